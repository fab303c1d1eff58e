"""Connections that wait for nobody: what finds no peer is dropped and counted. Without sockets."""

from __future__ import annotations

from actorkit.graph import Options
from tests.runtime.edge.sending import put, sender, sent, welcome


def test_at_most_once_waits_for_nobody() -> None:
    made = sender(Options(delivery="at-most-once", window=4))
    welcome(made, "tcp://a:1")
    entry = put(made, 3)
    assert entry.pending == 0
    made.dispatch(0.0)
    assert sent(made) == {"tcp://a:1": ["", "", ""]}


def test_at_most_once_drops_and_counts_what_finds_no_peer_no_credit_or_a_lost_one() -> None:
    made = sender(Options(delivery="at-most-once", window=4))
    put(made, 6)
    assert (made.backlog, made.dropped) == (4, {"no-peer": 2})
    session = welcome(made, "tcp://a:1")
    made.dispatch(0.0)
    put(made, 5)
    made.dispatch(0.0)
    assert (made.in_flight, made.backlog, made.dropped) == (4, 4, {"no-peer": 2, "no-credit": 1})
    made.lost(session)
    assert (made.in_flight, made.backlog, made.dropped) == (0, 4, {"no-peer": 2, "no-credit": 1, "peer-lost": 4})
