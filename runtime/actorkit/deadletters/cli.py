"""`python -m actorkit.deadletters.cli`: look into a dead-letter box, and send events from it once more.

Runs where the box is: beside it in its container, or on the machine of `kit run`. It reads the same variables.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from actorkit import settings
from actorkit.deadletters.query import Query
from actorkit.deadletters.retry import Retry
from actorkit.deadletters.store import DeadLetterError, Store, Stored
from actorkit.edge.peers import Peers
from actorkit.errors import ActorkitError
from actorkit.settings import Settings
from actorkit.transport import topology_keys
from actorkit.transport.endpoint import Endpoint

#: Stands for all letters that the filters leave.
ALL: Final = "all"
#: Ids that one question to the store names, at most.
MOST_IDS: Final = 500
#: Letters that are taken out in one step: a step holds up who stores others.
MOST_DROPPED: Final = 5000


class UnknownLetterError(DeadLetterError):
    """Raised when an actor or a letter is named that is not there."""


@dataclass(frozen=True)
class _Asked:
    """What is wanted: the choice in portions of ids, how fast, and whether whoever asked is gone."""

    store: Store
    queries: list[Query]
    rate: float
    read: Settings
    is_left: Callable[[], bool]

    def found(self, bodies: bool = False) -> Iterator[Stored]:
        for query in self.queries:
            yield from self.store.find(query, bodies)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 with one line on standard error, 2 where a letter or an actor
    is named that is not there."""
    given = _parser().parse_args(arguments)
    ids = list(given.ids)
    if given.attached:
        ids = json.loads(sys.stdin.buffer.readline() or b"[]")
    try:
        read = settings.read()
        if read.dead_letters is None:
            raise DeadLetterError("ACTORKIT_DEAD_LETTERS is not set; this actor keeps no dead letters")
        with closing(Store(read.dead_letters)) as store:
            _check(store, read, given.actor, ids)
            asked = _Asked(store, _queries(store, given, ids), given.rate, read, _is_left(given.attached))
            COMMANDS[given.command](asked)
    except ActorkitError as exc:
        print(f"actorkit: {exc}", file=sys.stderr)  # noqa: T201  # a command's output
        return 2 if isinstance(exc, UnknownLetterError) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Whoever read has had enough.
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dead_letters", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("list", "one JSON object a line, without the bodies"),
        ("show", "whole events"),
        ("retry", "send events to their actor again and take them out of the box"),
        ("drop", "take events out of the box"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("ids", nargs="*", help="ids of events, or all")
        command.add_argument("--actor", default="", help="the actor that failed on them")
        command.add_argument("--reason", default="", help="the kind of failure, as MalformedEvent")
        command.add_argument("--trace", default="", help="the trace")
        command.add_argument("--key", default="", help="the event's key")
        command.add_argument("--since", type=float, help="failed then or later, in seconds since 1970")
        command.add_argument("--until", type=float, help="failed before that")
        command.add_argument("--after", default="", help="only those that came after the one of this id")
        command.add_argument("--limit", type=int, default=0, help="so many at most; 0: all")
        command.add_argument(
            "--rate", type=float, default=0.0, help="so many a second, for retry; 0: as fast as can be"
        )
        command.add_argument(
            "--attached",
            action="store_true",
            help="standard input has the ids, as a line with a JSON list; when it ends, so does the command",
        )
    return parser


def _check(store: Store, read: Settings, actor: str, ids: list[str]) -> None:
    """See that what is named is there.

    Raises:
        UnknownLetterError: it is not.
    """
    known = {*store.actors(), *(name for name, _ in read.inboxes)}
    if actor and actor not in known:
        names = ", ".join(sorted(known)) or "none"
        raise UnknownLetterError(f'"{actor}" has no dead letters here. Actors that can have some: {names}.')
    if ids and ids != [ALL]:
        there = {one.letter.id for query in _portions(Query(actor=actor), ids) for one in store.find(query)}
        missing = sorted(set(ids) - there)
        if missing:
            whose = f" of {actor}" if actor else ""
            see = f"kit dlq list {actor}".rstrip()
            raise UnknownLetterError(f'no event "{missing[0]}"{whose} is in the box. See what is: {see}')


def _queries(store: Store, given: argparse.Namespace, ids: list[str]) -> list[Query]:
    query = Query(
        actor=given.actor,
        reason=given.reason,
        trace=given.trace,
        key=given.key,
        since=given.since,
        until=given.until,
        after=given.after,
        # What fails again meanwhile is another letter.
        last=store.last() if given.command in ("retry", "drop") else 0,
        limit=given.limit,
    )
    if given.command in ("retry", "drop") and not query.last:
        return []
    return list(_portions(query, ids)) if ids and ids != [ALL] else [query]


def _portions(query: Query, ids: list[str]) -> Iterator[Query]:
    once = list(dict.fromkeys(ids))
    for start in range(0, len(once), MOST_IDS):
        yield replace(query, ids=tuple(once[start : start + MOST_IDS]))


def _is_left(attached: bool) -> Callable[[], bool]:
    """Tells whether standard input has ended: then nobody waits for the command any more."""
    ended = False

    def is_left() -> bool:
        nonlocal ended
        if attached and not ended and select.select([0], [], [], 0)[0]:
            ended = not os.read(0, 1024)
        return ended

    return is_left


def _list(asked: _Asked) -> None:
    for one in asked.found():
        print(json.dumps(one.head()))  # noqa: T201  # a command's output


def _show(asked: _Asked) -> None:
    for one in asked.found(bodies=True):
        print(json.dumps(one.letter.shown(one.attempts), indent=2, ensure_ascii=False))  # noqa: T201  # as above


def _drop(asked: _Asked) -> None:
    dropped = 0
    for query in asked.queries:
        left = query.limit or None
        while left is None or left > 0:
            size = MOST_DROPPED if left is None else min(MOST_DROPPED, left)
            some = list(asked.store.find(replace(query, limit=size)))
            dropped += asked.store.remove(some)
            left = None if left is None else left - len(some)
            if len(some) < size:
                break
    print(json.dumps({"dropped": dropped}))  # noqa: T201  # a command's output


def _retry(asked: _Asked) -> None:
    read, without = asked.read, set[str]()

    def letters() -> Iterator[Stored]:
        for one in asked.found(bodies=True):
            without.update(one.letter.left_out)
            yield one

    keys = topology_keys.read(read.keys).client if read.keys is not None else None
    retry = Retry(asked.store, read.topology, _inboxes(read), keys, asked.rate, asked.is_left)
    retry.run(letters())
    print(json.dumps({"sent": retry.sent, **({"without": sorted(without)} if without else {})}))  # noqa: T201  # as above


def _inboxes(read: Settings) -> list[tuple[str, Peers]]:
    """Where actors are reached: those that the variable names, else the one whose variables these are."""
    if read.inboxes or read.inbox is None:
        return list(read.inboxes)
    inbox = Endpoint.parse(read.inbox)
    endpoint = str(Endpoint.tcp("127.0.0.1", inbox.port)) if inbox.is_every_interface else read.inbox
    return [(read.actor, Peers((endpoint,), "retry"))]


COMMANDS: Final = {"list": _list, "show": _show, "retry": _retry, "drop": _drop}


if __name__ == "__main__":
    sys.exit(main())
