"""jq, in a process of its own: C code that computes cannot be interrupted, a process can be ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Annotated, Any, ClassVar, Final, Literal, cast

import gevent
import msgspec
from gevent.fileobject import FileObject
from msgspec import Meta

from actorkit import Actor, JSONEvent
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.event import body
from actorkit.params import Problem
from actorkit_actors.json.jq_process import LENGTH

#: Time in which the process has to begin, in seconds.
_BEGIN_S: Final = 30.0


class JQ(Actor):
    """Makes of JSON what a jq program makes of it.

    The program runs in a process of its own, which `timeout_s` ends when it takes too long, whatever it does, and which
    has `memory_bytes` of memory, no files and no environment. Nothing in the data ever becomes a program. While it
    computes, the instance goes on with `concurrency` events at a time, each in a process.

    Failures:
        MalformedEvent (400): the program fails (`error`, a type that does not fit), takes too long, needs too much
            memory, or makes more than `max_outputs` values, or none where there has to be one.
        ConversionError (400): the data is not JSON.
    """

    NAME: ClassVar[str] = "jq"
    EXTRA: ClassVar[str] = "json"

    class Params(Actor.Params, frozen=True, kw_only=True):
        program: Annotated[str, Meta(description="the jq program", extra={"file": True})]
        outputs: Annotated[
            Literal["one", "list", "each"],
            Meta(
                description="one: the new data is the only value that the program makes; list: it is a list of all; "
                "each: an event for each"
            ),
        ] = "one"
        timeout_s: Annotated[float, Meta(gt=0, description="time that the program has for one event")] = 5.0
        memory_bytes: Annotated[int, Meta(ge=32 << 20, description="memory that the program's process has")] = 512 << 20
        max_outputs: Annotated[int, Meta(ge=1, description="values that the program may make of one event")] = 10_000

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        if params.threads:
            yield Problem("threads", "the program runs in a process of its own; leave this at 0")
        try:
            _Program(params).end()
        except SettingsError as exc:
            yield Problem("program", exc.message.removeprefix("program: "))

    def setup(self) -> None:
        """Begin the process.

        Raises:
            SettingsError: the program is none.
        """
        #: Processes that nobody uses.
        self._spare = [_Program(self.params)]

    def teardown(self) -> None:
        """End the processes."""
        for program in getattr(self, "_spare", []):
            program.end()

    def consume(self, event: JSONEvent) -> list[JSONEvent]:
        """Transform the event's data."""
        written = body.dump(event.data, body.JSON)[1] or b"null"
        program = self._spare.pop() if self._spare else _Program(self.params)
        try:
            found = program.ask(written)
        except BaseException:
            program.end()
            raise
        self._spare.append(program)
        if isinstance(found, str):
            raise MalformedEvent(f"jq: {' '.join(found.split())[:1000]}")
        if len(found) > self.params.max_outputs:
            raise MalformedEvent(f"jq: it makes more than {self.params.max_outputs} values (max_outputs)")
        if self.params.outputs == "each":
            return [event.replace(value) for value in found]
        if self.params.outputs == "list":
            return [event.replace(found)]
        if len(found) != 1:
            raise MalformedEvent(f'jq: it makes {len(found)} values, not one; choose outputs "list" or "each"')
        return [event.replace(found[0])]


class _Program:
    """A process that runs the program."""

    def __init__(self, params: JQ.Params) -> None:
        """Begin it.

        Raises:
            SettingsError: the program is none.
        """
        self._timeout_s = params.timeout_s
        arguments = [params.program, str(params.memory_bytes), str(params.max_outputs)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "actorkit_actors.json.jq_process", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        # Not gevent's own Popen: where nothing is patched it would take the ends of everybody's processes.
        self._pipes = [cast(IO[bytes], pipe) for pipe in (self._process.stdin, self._process.stdout)]
        self._requests, self._answers = (
            FileObject(pipe.fileno(), mode, closefd=False) for pipe, mode in zip(self._pipes, ("wb", "rb"), strict=True)
        )
        try:
            with gevent.Timeout(_BEGIN_S, SettingsError("program: its process did not begin in time")):
                found = self._answer()
        except MalformedEvent as exc:
            found = exc.message
        if isinstance(found, str):
            self.end()
            raise SettingsError(f"program: {' '.join(found.split())[:1000]}")

    def ask(self, written: bytes) -> list[Any] | str:
        """What the program makes of a JSON text, or its complaint.

        Raises:
            MalformedEvent: it took too long, or its process has ended.
        """
        late = MalformedEvent(f"jq: the program takes longer than {self._timeout_s:g} s (timeout_s)")
        with gevent.Timeout(self._timeout_s, late):
            try:
                self._requests.write(LENGTH.pack(len(written)) + written)
                self._requests.flush()
            except OSError as exc:
                raise MalformedEvent("jq: its process ended; it may need more memory (memory_bytes)") from exc
            return self._answer()

    def _answer(self) -> list[Any] | str:
        head = self._answers.read(1 + LENGTH.size)
        if len(head) < 1 + LENGTH.size:
            raise MalformedEvent("jq: its process ended; it may need more memory (memory_bytes)")
        content = self._answers.read(LENGTH.unpack(head[1:])[0])
        if head[:1] == b"e":
            return str(content.decode("utf-8", "replace"))
        found: list[Any] = msgspec.json.decode(content)
        return found

    def end(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for file in (self._requests, self._answers, *self._pipes):
            with suppress(OSError):  # what was to be written has no reader any more
                file.close()
