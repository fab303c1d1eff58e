"""Events into files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from gevent.threadpool import ThreadPool
from msgspec import Meta

from actorkit import Actor, Event, every
from actorkit.errors import BatchFailed, EventError, ServiceUnavailable
from actorkit.params import Problem
from actorkit_actors.files.names import FIELD, name_for, refusal
from actorkit_actors.files.written import LinesFile, put_file


class FileOut(Actor):
    """Writes each event to a file, once: as a line of one file, or as a file of its own.

    With `each: line` the body of each event and a line feed are added to the file `file` in `folder`, `events.log` if
    nothing else is said. The keys of the last `remember_keys` events are kept in a database beside it, noted before the
    line is written; after a kill the length of the file tells which lines are there. So an event that comes again is
    not written again, and nobody who reads along sees anything vanish but half a line. A body that has line feeds
    becomes several lines.

    When it has `rotate_bytes`, or its first line is `rotate_s` old, the file gets its last name, with the time of its
    beginning and a number: `events-20261129T003000Z-000001.log`. A file of such a name is complete and never changes;
    of these the last `keep_files` are kept. Nobody else may write, rename or cut the file in the meantime.

    With `each: file` the body of each event is a file of its own, `{key}` if nothing else is said; `{x}` in `file`
    stands for the attribute `x`. It is written under a name with a dot in front and then renamed, so that it is there
    whole or not at all. An event that comes again finds its file when the name has `{key}`; else it replaces what has
    the name.

    It writes in a native thread, and passes each event on when it is written. The folder belongs to one instance.

    Failures:
        MalformedEvent (400): the name of its file would have a slash, a dot in front, control characters, more than 240
            bytes, or an attribute that is not there.
        ServiceUnavailable (503): the file cannot be written, as the disk is full.
    """

    NAME: ClassVar[str] = "file-out"
    EXTRA: ClassVar[str] = "files"
    SETTLES: ClassVar[str] = "when the line or the file is written, and with `sync` on the disk"
    REPEATS: ClassVar[str] = "by key"
    KEEPS: ClassVar[dict[str, str]] = {"folder": "/var/lib/actorkit/data"}

    class Params(Actor.BatchParams, frozen=True, kw_only=True):
        folder: Annotated[str, Meta(description="folder of the files")] = "/var/lib/actorkit/data"
        each: Annotated[Literal["line", "file"], Meta(description="what an event becomes")] = "line"
        file: Annotated[str, Meta(description='name of the file; "": `events.log` for lines, `{key}` for files')] = ""
        sync: Annotated[
            bool, Meta(description="written means on the disk; false: what the machine had not stored is lost with it")
        ] = True
        rotate_bytes: Annotated[int, Meta(ge=0, description="size at which a file of lines is finished; 0: never")] = 0
        rotate_s: Annotated[
            float, Meta(ge=0, description="age of the first line at which a file of lines is finished; 0: never")
        ] = 0.0
        keep_files: Annotated[int, Meta(ge=0, description="finished files of lines that are kept; 0: all")] = 0
        remember_keys: Annotated[int, Meta(ge=1, description="lines whose keys are remembered")] = 1_000_000
        handover_s: Annotated[
            float, Meta(ge=0, description="longest wait for the instance before this one to give the folder up")
        ] = 60.0

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """Names that no file can have."""
        if params.each == "line" and FIELD.search(params.file):
            yield Problem("file", "lines go to one file, whose name has no fields; take `each: file` for those")
        elif params.file and (reason := refusal(params.file)):
            yield Problem("file", reason)

    def setup(self) -> None:
        """Open the file, and look what is in it."""
        self._pool = ThreadPool(1)
        self._folder = Path(self.params.folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._name = self.params.file or ("events.log" if self.params.each == "line" else "{key}")
        self._lines: LinesFile | None = None
        if self.params.each == "line":
            self._lines = LinesFile(
                self._folder,
                self._name,
                sync=self.params.sync,
                remember=self.params.remember_keys,
                keep=self.params.keep_files,
                handover_s=self.params.handover_s,
            )

    def teardown(self) -> None:
        """Close the file."""
        if hasattr(self, "_lines"):
            self._pool.join()
            self._pool.kill()
            if self._lines is not None:
                self._lines.close()

    def consume_batch(self, events: list[Event]) -> list[Event]:
        """Write the events."""
        if self._lines is not None:
            lines = [(bytes.fromhex(event.key), event.encoded()[1] + b"\n") for event in events]
            try:
                self._pool.apply(self._add, (self._lines, lines))
            except OSError as exc:
                raise ServiceUnavailable(f'"{self._folder / self._name}" cannot be written to: {exc.strerror}') from exc
        elif failed := self._put(events):
            raise BatchFailed(failed)
        return events

    @every(1.0)
    def finish(self) -> None:
        """Give a file its last name when its time has come, also when nothing is written to it."""
        if self._lines is not None and self.params.rotate_s:
            self._pool.apply(self._rotate, (self._lines,))

    def _add(self, file: LinesFile, lines: list[tuple[bytes, bytes]]) -> None:
        self._rotate(file)
        file.begin_anew()
        file.add(lines)
        self._rotate(file)

    def _rotate(self, file: LinesFile) -> None:
        if file.is_due(self.params.rotate_bytes, self.params.rotate_s):
            file.rotate()

    def _put(self, events: list[Event]) -> dict[Event, EventError]:
        """Write files. Returns the events that failed."""
        failed: dict[Event, EventError] = {}
        once = "{key}" in self._name
        for event in events:
            try:
                name = name_for(self._name, event)
                if not (once and (self._folder / name).exists()):
                    content = event.encoded()[1]
                    self._pool.apply(put_file, (self._folder, name, content), {"sync": self.params.sync})
            except EventError as exc:
                failed[event] = exc
            except OSError as exc:
                failed[event] = ServiceUnavailable(f'a file in "{self._folder}" cannot be written: {exc.strerror}')
        return failed
