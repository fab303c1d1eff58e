"""The terminal of `kit dev`, which actors that come to a `breakpoint()` get one after the other."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from actorkit_kit.dev.keys import Keys

#: Variables of an actor: what `breakpoint()` calls, which terminal it is, and where to ask for it.
HOOK: Final = "PYTHONBREAKPOINT"
TERMINAL: Final = "KIT_TERMINAL"
TURN: Final = "KIT_TERMINAL_TURN"
#: What stands for a breakpoint that is passed over, where there is no terminal.
_NO_HOOK: Final = "0"
_STOP: Final = "actorkit_kit.dev.breakpoints.stop"
#: The name of the socket in the folder of sockets.
_SOCKET: Final = "terminal"


class Terminal:
    """Lends the terminal. Lines that are written meanwhile are kept until it is back; `say(name, line)` gets them."""

    def __init__(self, folder: Path, say: Callable[[str, str], None]) -> None:
        self._path = folder / _SOCKET
        self._say = say
        self._kept: list[tuple[str, str]] = []
        self._is_lent = False
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Terminal: {'lent' if self._is_lent else 'free'}, {len(self._kept)} lines kept>"

    @property
    def environ(self) -> Mapping[str, str]:
        """What has an actor's breakpoints come here."""
        if not sys.stdin.isatty():
            return {HOOK: _NO_HOOK}
        return {HOOK: _STOP, TERMINAL: os.ttyname(sys.stdin.fileno()), TURN: str(self._path)}

    def say(self, name: str, line: str) -> None:
        """Write a line, at once or once the terminal is back."""
        if self._is_lent:
            self._kept.append((name, line))
        else:
            self._say(name, line)

    @asynccontextmanager
    async def lending(self, keys: Keys) -> AsyncIterator[None]:
        """Lend it to whoever asks, as long as the context is open."""

        async def lend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with self._turn:
                keys.pause()
                self._is_lent = True
                try:
                    writer.write(b"\n")
                    await reader.read()  # Its end is that of the connection, also where the actor is killed.
                finally:
                    self._give_back()
                    keys.resume()
                    writer.close()

        server = await asyncio.start_unix_server(lend, self._path)
        try:
            yield
        finally:
            server.close()

    def _give_back(self) -> None:
        self._is_lent = False
        kept, self._kept = self._kept, []
        for name, line in kept:
            self._say(name, line)
