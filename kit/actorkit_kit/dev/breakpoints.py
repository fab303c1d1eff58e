"""What `breakpoint()` calls in an actor that `kit dev` runs: pdb, on the terminal of `kit dev`."""

from __future__ import annotations

import os
import pdb
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent.fileobject import FileObjectThread

from actorkit_kit.dev.terminal import TERMINAL, TURN


def stop(*_: Any, **__: Any) -> None:
    """Stop in the caller."""
    _Debugger(os.environ[TERMINAL], os.environ[TURN]).set_trace(sys._getframe(1))


@contextmanager
def _turn_at(path: str) -> Iterator[None]:
    """Wait for the terminal, and have it as long as the context is open."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(path)
        asked.recv(1)
        yield


class _Debugger(pdb.Pdb):
    """A debugger on a terminal. While it waits for a line, the rest of the instance goes on: its peers do not take it
    for dead. Its end is that of the debugging, not of the actor."""

    def __init__(self, terminal: str, turn: str) -> None:
        number = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
        lines: Any = FileObjectThread(number, "r", closefd=False)
        super().__init__(stdin=lines, stdout=os.fdopen(number, "w"), nosigint=True)
        self._turn = turn

    def interaction(self, *given: Any, **named: Any) -> None:
        """Ask for commands, with the terminal in hand."""
        with _turn_at(self._turn):
            super().interaction(*given, **named)
            self.stdout.flush()

    def do_quit(self, arg: str) -> bool | None:
        """Go on; the event is no failure of the actor's."""
        return self.do_continue(arg)

    do_q = do_exit = do_EOF = do_quit  # noqa: N815  # pdb's own names
