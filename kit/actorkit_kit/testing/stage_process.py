"""The stage as its test run sees it: a process that is asked and answers."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from queue import Empty, Queue
from typing import Final

import msgspec

from actorkit_kit import python_process
from actorkit_kit.errors import KitError
from actorkit_kit.testing.messages import Look, Message, Seen, Start

#: Lines that are kept of what the actors wrote.
MOST_LINES: Final = 500
#: Longest wait for the answer to a message, beside what it asks to wait for, in seconds.
ANSWER_S: Final = 60.0
#: Longest wait for its end, in seconds.
END_S: Final = 10.0


class StageProcess:
    """Starts a stage; `wait_ready` waits until its instances are set up. `lines` are what they wrote last."""

    def __init__(self, start: Start) -> None:
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self._process = subprocess.Popen(
            python_process.command("actorkit_kit.testing.stage"),
            env=python_process.environ({"PYTHONDONTWRITEBYTECODE": "1"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._answers: Queue[bytes] = Queue()
        self._readers = [
            threading.Thread(target=self._read_answers, daemon=True),
            threading.Thread(target=self._read_lines, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._write(start)

    def __repr__(self) -> str:
        return f"<StageProcess {self._process.pid}: status {self._process.poll()}>"

    def _read_answers(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put(b"")

    def _read_lines(self) -> None:
        if self._process.stderr is not None:
            for line in self._process.stderr:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def _write(self, message: Message) -> None:
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(msgspec.json.encode(message) + b"\n")
                self._process.stdin.flush()
            except OSError:
                return  # It has ended; that there is no answer tells it.

    def wait_ready(self) -> None:
        """Wait until its instances are set up.

        Raises:
            KitError: one cannot be.
        """
        self._answer(ANSWER_S)

    def ask(self, message: Message) -> Seen:
        """Send a message; the answer.

        Raises:
            KitError: the stage has ended.
        """
        self._write(message)
        return self._answer(ANSWER_S + (message.wait_s if isinstance(message, Look) else 0))

    def _answer(self, timeout_s: float) -> Seen:
        try:
            line = self._answers.get(timeout=timeout_s)
        except Empty:
            raise KitError(f"the actors of the test have not answered for {timeout_s:g} s. Does one block?") from None
        if not line:
            self._process.wait(END_S)
            self._readers[1].join(END_S)
            last = next((line for line in reversed(self.lines) if line.strip()), "it said nothing")
            raise KitError(f"the actors of the test ended with status {self._process.returncode}: {last}")
        return msgspec.json.decode(line, type=Seen)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(END_S)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # what was not written is for nobody
