"""`python -m actorkit.deadletters.cli`: look into a dead-letter box, and send events from it once more.

Runs where the actor runs: it reads the same variables and reaches the inbox of that very instance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import zmq

from actorkit import settings
from actorkit.deadletters.box import DeadLetterError, Letter, drop, letters, lines
from actorkit.edge import wire
from actorkit.edge.peers import Peers
from actorkit.errors import ActorkitError
from actorkit.settings import Settings
from actorkit.transport import topology_keys
from actorkit.transport.curve import present_keys
from actorkit.transport.endpoint import Endpoint

#: Longest time for an actor to finish the events that are sent once more, in seconds.
RETRY_TIMEOUT_S: Final = 30.0


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 with one line on standard error."""
    parser = argparse.ArgumentParser(prog="dead_letters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("list", "one JSON object a line, without the bodies"),
        ("show", "whole events"),
        ("retry", "send events to their actor again and take them out of the box"),
        ("drop", "take events out of the box"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("ids", nargs="*" if name == "list" else "+", help="ids of events, or all")
    given = parser.parse_args(arguments)
    try:
        read = settings.read()
        if read.dead_letters is None:
            raise DeadLetterError("ACTORKIT_DEAD_LETTERS is not set; this actor keeps no dead letters")
        chosen = _chosen(read.dead_letters, read.actor, given.ids)
        COMMANDS[given.command](chosen, read)
    except ActorkitError as exc:
        print(f"actorkit: {exc}", file=sys.stderr)  # noqa: T201  # a command's output
        return 1
    return 0


def _chosen(folder: Path, actor: str, ids: list[str]) -> list[Letter]:
    found = list(letters(folder, actor))
    if not ids or ids == ["all"]:
        return found
    missing = set(ids) - {letter.id for letter in found}
    if missing:
        raise DeadLetterError(f'no event "{min(missing)}" of {actor} is in the box; list shows what is')
    return [letter for letter in found if letter.id in ids]


def _list(chosen: list[Letter], _read: Settings) -> None:
    for letter in chosen:
        print(json.dumps(_summary(letter)))  # noqa: T201  # a command's output


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "time": letter.time,
        "actor": letter.actor,
        "trail": list(letter.trail),
        "inbox": letter.inbox,
        "reason": letter.failure.kind,
        "message": letter.failure.message,
        "bytes": len(letter.body),
    }


def _show(chosen: list[Letter], _read: Settings) -> None:
    for letter in chosen:
        for line in lines(letter.file):
            found = json.loads(line)
            if found["id"] == letter.id:
                print(json.dumps(found, indent=2, ensure_ascii=False))  # noqa: T201  # a command's output


def _drop(chosen: list[Letter], _read: Settings) -> None:
    for letter in chosen:
        drop(letter)
    print(json.dumps({"dropped": len(chosen)}))  # noqa: T201  # a command's output


def _retry(chosen: list[Letter], read: Settings) -> None:
    for letter in chosen:
        send(letter, read)
        drop(letter)
    without = sorted({name for letter in chosen for name in letter.left_out})
    print(json.dumps({"sent": len(chosen), **({"without": without} if without else {})}))  # noqa: T201  # as above


def send(letter: Letter, read: Settings) -> None:
    """Send one event to the inbox of this instance and wait until it is finished.

    Raises:
        DeadLetterError: the instance does not answer, or does not finish it in time.
    """
    if read.inbox is None:
        raise DeadLetterError(f"{read.actor} has no inbox")
    inbox = Endpoint.parse(read.inbox)
    endpoint = str(Endpoint.tcp("127.0.0.1", inbox.port)) if inbox.is_every_interface else read.inbox
    peers = Peers((endpoint,), letter.inbox)
    hello = wire.Hello(wire.VERSION, read.topology, read.actor, "dead-letters", "retry", peers.inbox, 1)
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        if read.keys is not None:
            present_keys(socket, topology_keys.read(read.keys).client)
        socket.connect(endpoint)
        socket.send(wire.encode(hello))
        socket.send(wire.encode(wire.Outgoing(1, [letter.parcel()])))
        deadline = time.monotonic() + RETRY_TIMEOUT_S
        while True:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not socket.poll(int(left_s * 1000)):
                raise DeadLetterError(f"{read.actor} did not finish {letter.id} within {RETRY_TIMEOUT_S:g} s")
            message = wire.decode_from_receiver(socket.recv())
            if isinstance(message, wire.Refuse):
                raise DeadLetterError(f"{read.actor} refuses {letter.id}: {message.reason}")
            if isinstance(message, wire.Ack) and message.ack_floor == 1:
                socket.send(wire.encode(wire.Bye()))
                return


COMMANDS: Final = {"list": _list, "show": _show, "retry": _retry, "drop": _drop}


if __name__ == "__main__":
    sys.exit(main())
