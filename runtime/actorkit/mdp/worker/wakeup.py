"""How any thread wakes one that waits for sockets."""

from __future__ import annotations

import os


class WakeUp:
    """A pipe: `wake` makes `fileno()` readable, `clear` takes that back. Its maker closes it."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def __repr__(self) -> str:
        return f"<WakeUp by file {self._read}>"

    def fileno(self) -> int:
        """The file to wait for."""
        return self._read

    def wake(self) -> None:
        """Wake the thread that waits, or let its next wait end at once. Any thread may."""
        try:
            os.write(self._write, b"x")
        except BlockingIOError:
            return  # the pipe is full: it will wake

    def clear(self) -> None:
        """Forget the wake-ups that there were."""
        try:
            os.read(self._read, 65_536)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Free the pipe; the other thread has ended."""
        os.close(self._read)
        os.close(self._write)
