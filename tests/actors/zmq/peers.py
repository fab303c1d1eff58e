"""Programs of others for tests, each a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

from tests.actors.zmq.foreign import read, written
from tests.fleet import Process


class Peer:
    """A foreign peer that runs."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def received(self, count: int) -> list[list[bytes]]:
        """The first messages that it has received, once there are so many."""
        return [read(line.strip()) for line in self.process.lines(count)]

    def has_said(self, line: str) -> bool:
        return f"{line}\n" in self.process.said()


@contextmanager
def peer(
    folder: Path, kind: str, how: str, endpoint: str, *messages: bytes | list[bytes], keys: Mapping[str, str] = {}
) -> Iterator[Peer]:
    """A program that binds or connects a socket of that kind, until the end."""
    told = [written([message] if isinstance(message, bytes) else message) for message in messages]
    number = len(list(folder.glob("peer-*.log")))
    inside, outside = os.pipe()  # it reads this to its end where it has nothing more to do
    try:
        command = [sys.executable, "-m", "tests.actors.zmq.foreign", kind, how, endpoint, json.dumps(dict(keys)), *told]
        with Process({}, folder / f"peer-{number}.log", command=command, stdin=inside) as process:
            yield Peer(process)
    finally:
        os.close(inside)
        os.close(outside)


class Pair:
    """The CURVE keys of two sides, as the parameters of the actor and of the foreign peer."""

    def __init__(self) -> None:
        self.public, self.secret = (key.decode() for key in zmq.curve_keypair())
        self.others_public, self.others_secret = (key.decode() for key in zmq.curve_keypair())

    @property
    def listening(self) -> dict[str, Any]:
        return {"secret_key": self.secret, "allowed": [self.others_public]}

    @property
    def connecting(self) -> dict[str, Any]:
        return {"secret_key": self.secret, "public_key": self.public, "server_key": self.others_public}

    @property
    def other_listens(self) -> dict[str, str]:
        return {"secret_key": self.others_secret, "allowed": self.public}

    @property
    def other_connects(self) -> dict[str, str]:
        return {"secret_key": self.others_secret, "public_key": self.others_public, "server_key": self.public}
