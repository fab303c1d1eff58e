"""Ids of events: 64-bit numbers. An event's name is its id and its trace, 128 bits together."""

from __future__ import annotations

import itertools
import os
from array import array
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

#: Ids are numbers below 2**64.
MASK: Final = (1 << 64) - 1
#: Odd, so that different parents give different children (the map is one-to-one modulo 2**64); below 2**30, so that
#: Python multiplies by a single digit; large, so that grandchildren differ while an event has fewer children than that.
MULTIPLIER: Final = 0x2C1B3C6D


#: So many ids are drawn at once: the system is asked once in a while, not for each event.
BLOCK: Final = 512


def ids() -> Callable[[], int]:
    """Makes ids for events that follow from no other: 64-bit numbers out of the system's random generator.

    Nobody who has seen some of them (every HTTP client sees its own, as X-Request-ID) can tell the next one; who could
    would send an event of that name first, and the real one would be taken for its repeat. In C throughout, an id costs
    no more than counting does.
    """
    return itertools.chain.from_iterable(iter(_block, None)).__next__


def _block() -> array[int]:
    return array("Q", os.urandom(8 * BLOCK))


class _Ids:
    """Makes ids for events that are asked for theirs before they are sent; begins again after a fork."""

    def __init__(self) -> None:
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._next = ids()

    def make(self) -> int:
        return self._next()


#: An id for an event that follows from no other.
new_id: Final = _Ids().make


def derive_id(parent: int, salt: int, ordinal: int) -> int:
    """The id of the `ordinal`-th event that an actor made of `parent`.

    The same parent, salt and ordinal give the same id in every instance, so that a repeat is recognised downstream.
    `salt` stands for the actor, the outbox and the connection.
    """
    return (parent * MULTIPLIER + salt + ordinal) & MASK


def derive_joint_id(parents: Iterable[int]) -> int:
    """The parent to derive ids from for what was made of several events, in whatever order they came."""
    names = b"".join(parent.to_bytes(8, "big") for parent in sorted(parents))
    return int.from_bytes(blake2b(names, digest_size=8).digest(), "big")
