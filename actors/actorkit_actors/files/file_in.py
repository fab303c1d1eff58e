"""Events out of files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from actorkit import Actor, Event, Position, Settlement
from actorkit.event import body
from actorkit.event.parcel import MAX_BODY_BYTES
from actorkit.params import Problem
from actorkit_actors.files.found import Found, Place
from actorkit_actors.files.progress import HEAD_BYTES, Progress
from actorkit_actors.files.tail import Piece, Tail, is_same
from actorkit_actors.files.watch import Watch


class FileIn(Actor):
    """Makes an event of each line of files, or of each file, and goes on exactly where it was finished.

    `path` is a file, a pattern in the last part (`/logs/app.log*`), or a folder, of which all files are meant but those
    with a dot in front. They are followed as they grow, and through renaming: a file is known by its number on the disk
    and its first 256 bytes. So a log that is rotated is read to its end under its new name, also when that happened
    while nothing ran; with a pattern that has the rotated names too, several times. Files are read one after the other,
    the one that was changed first in front. A file that was cut or written anew is another file; what was cut before it
    was read is lost, so let whatever rotates logs rename (`copytruncate` does not).

    With `each: line` an event is a line without its end (`\\n` or `\\r\\n`): text where it is UTF-8, else bytes. A last
    line without an end waits for it, for `last_line_s` after the file grew, or `rotated_s` after it was renamed or
    deleted. With `each: file` an event is a whole file once it has not been written to for `still_s`; empty files are
    passed over. Let others write under a name with a dot in front and rename. A file that is written anew becomes an
    event again.

    Attributes of the event: `file` (path when it was begun), `offset` (of its first byte), `cut` (true where a line
    goes on in the next event: it is longer than `max_event_bytes`). Larger files than that are left, and logged.

    The position of an event is its file and its last byte, its key follows from that. What is finished is written to a
    database in `folder`, which belongs to one instance: there are no replicas with the same files. If it is lost, all
    is read again under the same keys. The kernel tells of changes (watchfiles, in a native thread); what it does not
    tell, as on network mounts, is found every `poll_s`.
    """

    NAME: ClassVar[str] = "file-in"
    EXTRA: ClassVar[str] = "files"
    SETTLES: ClassVar[str] = (
        "when up to where each file is finished without a hole is written to the database in `folder`"
    )
    REPEATS: ClassVar[str] = "by key"
    KEEPS: ClassVar[dict[str, str]] = {"folder": "/var/lib/actorkit/data"}

    class Params(Actor.Params, frozen=True, kw_only=True):
        path: Annotated[str, Meta(min_length=1, description="file, folder, or pattern of files in one folder")]
        each: Annotated[Literal["line", "file"], Meta(description="what becomes an event")] = "line"
        follow: Annotated[bool, Meta(description="wait for more; false: end when all that is there is read")] = True
        folder: Annotated[str, Meta(description="folder of the database with what is finished")] = (
            "/var/lib/actorkit/data"
        )
        max_event_bytes: Annotated[
            int, Meta(ge=1, le=MAX_BODY_BYTES, description="longest event: lines are cut there, larger files are left")
        ] = 1 << 20
        last_line_s: Annotated[
            float, Meta(ge=0, description="time after which a last line without an end is one; 0: never")
        ] = 10.0
        still_s: Annotated[
            float, Meta(ge=0, description="time without a change before a whole file is taken; 0: at once")
        ] = 1.0
        rotated_s: Annotated[
            float, Meta(ge=0, description="time that a file is read on after it was renamed or deleted, and last grew")
        ] = 5.0
        poll_s: Annotated[float, Meta(gt=0, description="longest time between two looks at the folder")] = 1.0
        max_open: Annotated[
            int, Meta(ge=1, description="most files that are open at once; others are closed when they are read")
        ] = 200
        handover_s: Annotated[
            float, Meta(ge=0, description="longest wait for the instance before this one to give the database up")
        ] = 60.0
        links: Annotated[bool, Meta(description="follow symbolic links; false: they are refused")] = False

    params: Params
    _progress: Progress
    _watch: Watch | None = None

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What no file can be called."""
        if any(sign in str(Path(params.path).parent) for sign in "*?["):
            yield Problem("path", "only the last part can be a pattern; take one file-in for each folder")

    def setup(self) -> None:
        """Open the database, and begin to watch."""
        path = Path(self.params.folder) / f"{self.name}.sqlite"
        self._progress = Progress(path, self.params.handover_s)
        self._place = Place(self.params.path, self.params.links)
        self._tails: dict[tuple[int, int], Tail] = {}
        self._streams: dict[str, Tail] = {}
        #: What was refused, so that it is told once.
        self._told: set[str] = set()
        self._resumed = False
        if self.params.follow and self._place.folder.is_dir():
            self._watch = Watch(self._place.folder)

    def drain(self) -> None:
        """Wait for no change."""
        if self._watch is not None:
            self._watch.wake()

    def teardown(self) -> None:
        """Close all."""
        if self._watch is not None:
            self._watch.close()
        if hasattr(self, "_progress"):
            for tail in self._tails.values():
                tail.close()
            self._progress.close()

    def produce(self) -> Iterator[Event]:
        """Make the events; ends early when the instance is about to stop."""
        while not self.runtime.draining:
            before = sum(tail.at for tail in self._tails.values()), len(self._tails)
            for tail in self._look():
                for piece in self._pieces(tail):
                    yield self._event(tail, piece)
                self._end(tail)
            if before == (sum(tail.at for tail in self._tails.values()), len(self._tails)):
                if not self.params.follow:
                    return
                self._wait()

    def _wait(self) -> None:
        if self._watch is None and self._place.folder.is_dir():
            self._watch = Watch(self._place.folder)
        if self._watch is not None:
            self._watch.wait(self.params.poll_s)
        else:
            time.sleep(self.params.poll_s)  # The folder is not there yet; gevent has patched this.

    def settle(self, settlements: Sequence[Settlement], floors: Mapping[str, int]) -> None:  # noqa: ARG002  # a file has no place for failures
        """Write down how far the files are finished."""
        self._progress.finish(dict(floors))
        for stream, done in floors.items():
            tail = self._streams.get(stream)
            if tail is not None:
                tail.done = done
                self._forget(tail)

    def _look(self) -> list[Tail]:
        """The files to read on, those that are renamed and unfinished in front."""
        now = time.monotonic()
        found, refused = self._place.matching()
        for sentence in refused:
            if sentence not in self._told:
                self._told.add(sentence)
                self.log.warning("%s", sentence)
        here = {one.key: one for one in found}
        for key, tail in list(self._tails.items()):
            if tail.asleep and not self._wake(tail, here.get(key)):
                continue
            if not tail.look(now):
                # Nothing of it can be read again, in whatever life.
                self._progress.forget(tail.reading.stream)
                self._leave(key, tail)
            elif key not in here:
                tail.lose(now)
            else:
                tail.gone, tail.path = False, here[key].path
        if not self._resumed:
            self._resume(found)
            self._resumed = True
        for one in found:
            if one.key not in self._tails and one.bytes and self._awake < self.params.max_open:
                self._begin(one, now)
        order = {key: number for number, key in enumerate(here)}
        awake = [item for item in self._tails.items() if not item[1].asleep]
        return [tail for _, tail in sorted(awake, key=lambda item: order.get(item[0], -1))]

    @property
    def _awake(self) -> int:
        return sum(not tail.asleep for tail in self._tails.values())

    def _wake(self, tail: Tail, found: Found | None) -> bool:
        """Open a file again that has changed since it was closed. Returns whether it is open."""
        key = tail.reading.device, tail.reading.inode
        if found is None:
            found = next((one for one in self._place.others() if one.key == key), None)
            if found is None or found.bytes == tail.at:
                self._leave(key, tail)
                return False
        if found.bytes == tail.at or self._awake >= self.params.max_open:
            return False
        opened = self._open(found)
        if opened is not None:
            tail.wake(opened)
        return opened is not None

    def _resume(self, found: Sequence[Found]) -> None:
        """Open what an earlier life had begun, also under other names."""
        begun = self._progress.all()
        there = {one.key: one for one in self._place.others()} if begun else {}
        there |= {one.key: one for one in found}
        for reading in begun:
            key = reading.device, reading.inode
            one = there.get(key)
            opened = self._open(one) if one is not None and one.bytes >= reading.done else None
            if opened is None or not is_same(opened, reading.head_bytes, reading.head):
                if opened is not None:
                    os.close(opened)
                self.log.warning(
                    'the file that was "%s" is gone or cut; it was finished up to byte %d', reading.path, reading.done
                )
                self._progress.forget(reading.stream)
                continue
            tail = Tail(opened, reading, self.params.max_event_bytes, time.monotonic())
            tail.look(time.monotonic())
            if self._awake >= self.params.max_open:
                tail.sleep()
            self._tails[key] = self._streams[reading.stream] = tail

    def _begin(self, found: Found, now: float) -> None:
        opened = self._open(found)
        if opened is None:
            return
        reading = self._progress.begin(found.path, *found.key, os.pread(opened, HEAD_BYTES, 0))
        tail = Tail(opened, reading, self.params.max_event_bytes, now)
        tail.look(now)
        self._tails[found.key] = self._streams[reading.stream] = tail

    def _open(self, found: Found) -> int | None:
        try:
            return self._place.open(found)
        except FileNotFoundError:
            return None  # It was renamed or deleted just now: the next look finds out.
        except OSError as exc:
            sentence = f'"{found.path}" cannot be read: {exc.strerror}'
            if sentence not in self._told:
                self._told.add(sentence)
                self.log.warning("%s", sentence)
            return None

    def _pieces(self, tail: Tail) -> Iterator[Piece]:
        now = time.monotonic()
        if self.params.each == "file":
            if tail.size > self.params.max_event_bytes:
                sentence = f'"{tail.path}" is longer than {self.params.max_event_bytes} bytes and is left'
                if sentence not in self._told:
                    self._told.add(sentence)
                    self.log.warning("%s", sentence)
            elif tail.gone or not self.params.follow or now - tail.since >= self.params.still_s:
                yield from tail.whole()
            return
        yield from tail.lines()
        still_s = now - tail.since
        ended = still_s >= self.params.rotated_s if tail.gone else 0 < self.params.last_line_s <= still_s
        if ended or not self.params.follow:
            yield from tail.rest()

    def _event(self, tail: Tail, piece: Piece) -> Event:
        attributes: dict[str, object] = {"file": tail.reading.path, "offset": piece.begin}
        if piece.cut:
            attributes["cut"] = True
        raw = body.from_outside(piece.content)
        return Event(raw, attributes=attributes, position=Position(tail.reading.stream, piece.end))

    def _end(self, tail: Tail) -> None:
        """What is due when a file is read up to what is there."""
        head = tail.grown_head()
        if head is not None:
            self._progress.know(tail.reading.stream, head)
        key = tail.reading.device, tail.reading.inode
        if tail.gone and tail.is_read and time.monotonic() - tail.since >= self.params.rotated_s:
            self._leave(key, tail)
        elif tail.is_read and not tail.gone and self._awake >= self.params.max_open:
            tail.sleep()

    def _leave(self, key: tuple[int, int], tail: Tail) -> None:
        """A file is gone, or another is in its place: what it had is finished sometime."""
        tail.close()
        tail.gone = True
        self._tails.pop(key, None)
        self._forget(tail)

    def _forget(self, tail: Tail) -> None:
        if tail.done >= tail.at and self._tails.get((tail.reading.device, tail.reading.inode)) is not tail:
            self._streams.pop(tail.reading.stream, None)
            self._progress.forget(tail.reading.stream)
