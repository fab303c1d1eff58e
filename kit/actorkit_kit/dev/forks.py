"""The zygote as kit sees it: starts actors as forks of a process that has imported what they need."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from actorkit_kit import python_process
from actorkit_kit.local.child import MAX_LINE_BYTES, Running, start_cold
from actorkit_kit.local.processes import Process
from actorkit_kit.parent import die_with_parent

#: Longest wait for its end, in seconds.
END_S: Final = 30.0
#: The variable of an actor with the port at which it listens for a debugger.
DEBUGGED: Final = "KIT_DEBUGGED"
#: Longest answer, in bytes.
_MAX_ANSWER_BYTES: Final = 256


class Fork:
    """A process that was forked; it is what an `asyncio.subprocess.Process` is."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = stdout
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Fork {self.pid}: status {self.returncode}>"

    def end(self, status: int) -> None:
        """Note that it has ended."""
        self.returncode = status
        self._ended.set()

    async def wait(self) -> int:
        """Wait for its end; the exit status, negative where a signal ended it."""
        await self._ended.wait()
        return self.returncode or 0


class Forks:
    """Starts actors. `modules` are imported beforehand, `environ` is what the zygote has more.

    Where there can be no zygote, or it has ended, actors are started as ever.
    """

    def __init__(self, modules: Iterable[str], environ: Mapping[str, str]) -> None:
        self._modules = sorted(set(modules))
        self._environ = {**python_process.environ(), **environ}
        self._zygote: asyncio.subprocess.Process | None = None
        self._channel: socket.socket | None = None
        self._orders = 0
        self._began: dict[int, asyncio.Future[int]] = {}
        self._forks: dict[int, Fork] = {}
        #: What the actors write to, until they have ended.
        self._pipes: list[asyncio.ReadTransport] = []
        #: Ends that came before it was known what they are of.
        self._ends: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Forks: {len(self._forks)} run, {len(self._began)} begin>"

    async def open(self) -> None:
        """Start the zygote; it is of use at once, and answers when it has imported all."""
        if sys.platform != "linux":  # elsewhere no socket keeps messages apart
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._zygote = await asyncio.create_subprocess_exec(
                *python_process.command("actorkit_kit.dev.zygote"),
                str(theirs.fileno()),
                *self._modules,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._channel = ours
        asyncio.get_running_loop().add_reader(ours, self._read)

    def _read(self) -> None:
        answer = self._channel.recv(_MAX_ANSWER_BYTES) if self._channel is not None else b""
        if not answer:
            self._lose()
            return
        word, first, second = answer.decode().split()
        if word == "began":
            self._began.pop(int(first)).set_result(int(second))
        elif int(first) in self._forks:
            self._forks.pop(int(first)).end(int(second))
        else:
            self._ends[int(first)] = int(second)

    def _lose(self) -> None:
        """The zygote has ended, and its actors with it: they drain."""
        if self._channel is not None:
            asyncio.get_running_loop().remove_reader(self._channel)
            self._channel.close()
            self._channel = None
        for began in self._began.values():
            began.set_exception(ConnectionError("the zygote has ended"))
        for fork in self._forks.values():
            fork.end(-signal.SIGTERM)
        self._began, self._forks = {}, {}

    async def start(self, process: Process) -> Running:
        """Start an actor. What an author gives to its environment may be for the start of Python, and a broker is no
        actor: those are started as ever."""
        channel = self._channel
        if process.unit.kind != "actor" or process.unit.environment_extra or channel is None:
            return await start_cold(process)
        self._orders += 1
        order, began = self._orders, asyncio.get_running_loop().create_future()
        ours, theirs = os.pipe()
        self._began[order] = began
        try:
            socket.send_fds(channel, [json.dumps([order, process.environ]).encode()], [theirs])
        except OSError:  # the message is too long, or the zygote has ended meanwhile
            self._began.pop(order, None)
            os.close(ours)
            return await start_cold(process)
        finally:
            os.close(theirs)
        stdout = asyncio.StreamReader(MAX_LINE_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(ours, "rb")
        )
        self._pipes = [pipe for pipe in self._pipes if not pipe.is_closing()] + [transport]
        try:
            pid = await began
        except ConnectionError:
            return await start_cold(process)
        fork = Fork(pid, stdout)
        if pid in self._ends:
            fork.end(self._ends.pop(pid))
        else:
            self._forks[pid] = fork
        return fork

    async def close(self) -> None:
        """End the zygote; whoever is still there drains."""
        if self._channel is not None:
            with suppress(OSError):
                self._channel.shutdown(socket.SHUT_RDWR)
            self._lose()
        for pipe in self._pipes:
            pipe.close()
        await asyncio.sleep(0)  # Transports close in the loop's next pass.
        if self._zygote is not None:
            await asyncio.wait_for(self._zygote.wait(), END_S)
