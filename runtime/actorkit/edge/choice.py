"""Which peer gets the next events, and which one is needed no more (docs/protocol.md). No sockets, no clock."""

from __future__ import annotations

from collections.abc import Iterable

from actorkit.edge.send_session import SendSession


def candidates(sessions: Iterable[SendSession], draining: bool) -> list[SendSession]:
    """The sessions that new events may go to, of the best kind that there is: listed ones, else those that are listed
    no more, else those whose peer drains. The last are taken only while this actor is `draining` itself."""
    best: list[SendSession] = []
    rank = 0
    for session in sessions:
        if session.bye or not session.instance or (session.draining and not draining):
            continue
        worth = 1 if session.draining else 2 if not session.listed else 3
        if worth > rank:
            best, rank = [session], worth
        elif worth == rank:
            best.append(session)
    return best


def most_credit(sessions: Iterable[SendSession]) -> SendSession | None:
    """The session with most credit, if that is any; one that has a suspect only where there is no other."""
    best: SendSession | None = None
    for session in sessions:
        if best is None or (session.credit > best.credit if session.apart is best.apart else best.apart):
            best = session
    return best if best is not None and best.credit > 0 else None


def is_another(sessions: Iterable[SendSession]) -> bool:
    """Whether there is a peer that stays, so that one that drains is needed no more."""
    return any(one.instance and one.listed and not one.draining and not one.bye for one in sessions)
