"""Keys that are pressed on the terminal, one by one and without a line end."""

from __future__ import annotations

import asyncio
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Keys:
    """The keys of the terminal, from `resume` on; after `pause` it is as it was before, and lines are somebody else's.
    ^C stays a signal. Where standard input is no terminal there are none."""

    def __init__(self) -> None:
        self.pressed: asyncio.Queue[str] = asyncio.Queue()
        self._before: list[Any] | None = None

    def __repr__(self) -> str:
        return f"<Keys: {'read' if self._before is not None else 'not read'}>"

    def resume(self) -> None:
        """Read keys."""
        if sys.stdin.isatty() and self._before is None:
            self._before = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno())
            asyncio.get_running_loop().add_reader(sys.stdin, lambda: self.pressed.put_nowait(sys.stdin.read(1)))

    def pause(self) -> None:
        """Read none, and leave the terminal as it was."""
        if self._before is not None:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)
            self._before = None


@contextmanager
def read_keys() -> Iterator[Keys]:
    """The keys, as long as the context is open."""
    keys = Keys()
    keys.resume()
    try:
        yield keys
    finally:
        keys.pause()
