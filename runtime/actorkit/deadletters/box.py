"""The dead-letter box: events that failed where no error outbox takes them, as JSON lines in a folder.

Each instance writes its own file, so that replicas can share a volume. An event is acknowledged upstream only when its
line is on disk. `python -m actorkit.deadletters.cli` lists, shows, retries and drops what is in the box.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from actorkit.errors import ActorkitError, ConversionError, ErrorMessage
from actorkit.event import Event
from actorkit.event.context import Context, Failure, Http, decode_context, encode_context
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel
from actorkit.observe import redact

#: Ending of the files in the box.
SUFFIX: Final = ".jsonl"

#: Folder and files are their actor's alone: events hold what customers sent.
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class DeadLetterError(ActorkitError):
    """Raised when the box cannot be read or written, or holds no such event."""


@dataclass(frozen=True)
class Letter:
    """One event in the box, and the file that it stands in."""

    id: str
    trace: str
    trail: tuple[str, ...]
    time: float
    actor: str
    instance: str
    inbox: str
    failure: Failure
    format: str
    body: bytes
    context: Context
    file: Path
    #: Header fields that held credentials and were not kept, and "context" where more was left out.
    left_out: tuple[str, ...] = ()

    def parcel(self) -> Parcel:
        """The event as it came to the actor, under a new id: it is meant to be consumed again."""
        context = Context(self.context.service, self.context.attributes, self.context.http)
        return Parcel(
            new_id(),
            int(self.trace, 16),
            self.format,
            self.body,
            encode_context(context),
            trail="/".join(self.trail),
        )


def entry(event: Event, failure: Failure, *, actor: str, instance: str, inbox: str) -> dict[str, Any]:
    """The JSON object of one event: its body as text where it is UTF-8, else as base64. Where JSON has no words for all
    that travelled beside the body, or that cannot be read, it stands there a second time as it came. Header fields that
    hold credentials are left out of both."""
    came = event.as_it_came()
    format_, content = came.encoded()
    written = event.origin.context if event.origin is not None else b""
    context, left_out = _without_secrets(came.context)
    if left_out:
        written = encode_context(context)
    attributes = json.loads(json.dumps(context.attributes, default=repr, skipkeys=True), parse_constant=str)
    try:
        body = {"text": content.decode()}
    except UnicodeDecodeError:
        body = _base64(content)
    told = Context(context.service, attributes, context.http, context.failure, context.trace)
    more: dict[str, Any] = {"left_out": left_out} if left_out else {}
    if written and written != encode_context(told):
        # What nobody can read may hold anything.
        if redact.may_hold_secret(written):
            more["left_out"] = [*left_out, "context"]
        else:
            more["context"] = _base64(written)
    return {
        "id": event.id,
        "trace": event.trace,
        "trail": list(event.trail),
        "time": round(time.time(), 3),
        "actor": actor,
        "instance": instance,
        "inbox": inbox,
        "reason": msgspec.to_builtins(_mapping(failure)),
        "format": format_,
        "body": body,
        "service": context.service,
        "attributes": attributes,
        "http": _mapping(context.http) if context.http is not None else None,
        **more,
    }


def _without_secrets(context: Context) -> tuple[Context, list[str]]:
    """The context without header fields that hold credentials, and the names of those."""
    http = context.http
    if http is None:
        return context, []
    shown = redact.headers(http.headers), redact.pairs(http.reply_headers)
    gone = [pair[0] for pair in (*http.headers.items(), *http.reply_headers) if redact.is_secret(*pair)]
    left_out = sorted({name.lower() for name in gone})
    if not left_out:
        return context, []
    http = msgspec.structs.replace(http, headers=shown[0], reply_headers=shown[1])
    return msgspec.structs.replace(context, http=http), left_out


def _base64(content: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(content).decode()}


def _mapping(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


class Box:
    """The box as one instance writes it."""

    def __init__(self, folder: Path, actor: str, instance: str) -> None:
        self.actor = actor
        self.instance = instance
        self._path = folder / f"{actor}.{instance}{SUFFIX}"

    def put(self, event: Event, failure: Failure, inbox: str) -> None:
        """Append an event, and come back when it is on disk.

        Raises:
            DeadLetterError: it cannot be written.
        """
        made = entry(event, failure, actor=self.actor, instance=self.instance, inbox=inbox)
        line = json.dumps(made, ensure_ascii=False).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            new = not self._path.exists()
            with _lock(self._path) as number:
                _append(number, line)
            if new:
                _sync_folder(self._path.parent)
        except OSError as exc:
            raise DeadLetterError(f'the dead-letter file "{self._path}" cannot be written: {exc.strerror}') from exc


@contextmanager
def _lock(path: Path) -> Iterator[int]:
    """The file, open for appending and locked. One that was replaced during the wait for its lock is opened again."""
    while True:
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(number), path.stat()):
                yield number
                return
        finally:
            os.close(number)


def _append(number: int, line: bytes) -> None:
    """Write all of it to the disk, or take back what was written."""
    begun = os.fstat(number).st_size
    if begun and os.pread(number, 1, begun - 1) != b"\n":
        # Whoever wrote here last was killed meanwhile. The event was not acknowledged, so it comes again.
        begun = os.pread(number, begun, 0).rfind(b"\n") + 1
        os.ftruncate(number, begun)
    try:
        written = 0
        while written < len(line):
            written += os.write(number, line[written:])
        os.fsync(number)
    except OSError:
        os.ftruncate(number, begun)
        raise


def letters(folder: Path, actor: str | None = None) -> Iterator[Letter]:
    """Everything in the box, oldest file first.

    Raises:
        DeadLetterError: a line is no event of this box.
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime):
        for number, line in enumerate(lines(path), 1):
            letter = _read(line, path, number)
            if actor is None or letter.actor == actor:
                yield letter


def _read(line: bytes, path: Path, number: int) -> Letter:
    try:
        found = json.loads(line)
        body = found["body"]
        content = body["text"].encode() if "text" in body else base64.b64decode(body["base64"])
        return Letter(
            found["id"],
            found["trace"],
            tuple(found["trail"]),
            found["time"],
            found["actor"],
            found["instance"],
            found["inbox"],
            _failure(found["reason"]),
            found["format"],
            content,
            _context(found),
            path,
            tuple(found.get("left_out", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise DeadLetterError(f"{path}:{number}: this is no event of a dead-letter box: {exc}") from exc


def _failure(reason: dict[str, Any]) -> Failure:
    messages = [ErrorMessage(**message) for message in reason.get("messages", ())]
    headers = [(name, value) for name, value in reason.get("headers", ())]
    return Failure(**{**reason, "messages": messages, "headers": headers})


def _context(found: dict[str, Any]) -> Context:
    http = Http(**found["http"]) if found["http"] is not None else None
    told = Context(found["service"], found["attributes"], http)
    try:
        return decode_context(base64.b64decode(found["context"]["base64"])) if "context" in found else told
    except ConversionError:
        return told


def lines(path: Path) -> list[bytes]:
    """The lines of a file of the box; a last one that was never finished is passed over."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def drop(letter: Letter, sync: Callable[[int], None] = os.fsync) -> None:
    """Take an event out of the box: its file is replaced by one without it, in one step, and what is left is on disk
    before that. `sync` is fsync(2): it has what was written to a descriptor on the disk.

    Raises:
        DeadLetterError: the box cannot be written; the event is still in it.
    """
    try:
        _drop(letter, sync)
    except OSError as exc:
        raise DeadLetterError(f'the dead-letter file "{letter.file}" cannot be written: {exc.strerror}') from exc


def _drop(letter: Letter, sync: Callable[[int], None]) -> None:
    with _lock(letter.file):
        kept = [line for line in lines(letter.file) if json.loads(line)["id"] != letter.id]
        if kept:
            mode = stat.S_IMODE(letter.file.stat().st_mode)
            temporary = letter.file.with_suffix(".new")
            temporary.unlink(missing_ok=True)  # of one that was killed
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as out:
                os.fchmod(out.fileno(), mode)
                out.write(b"".join(kept))
                out.flush()
                sync(out.fileno())
            temporary.replace(letter.file)
        else:
            letter.file.unlink()
        _sync_folder(letter.file.parent, sync)


def _sync_folder(folder: Path, sync: Callable[[int], None] = os.fsync) -> None:
    """Have the names in a folder on the disk."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(number)
    finally:
        os.close(number)
