"""What is kept for clients that do not read is bounded in bytes, and those who read notice nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import zmq
from hypothesis import given as examples
from hypothesis import strategies as st

from actorkit.mdp import frames as f
from actorkit.mdp.broker.clients import CHECK_BYTES, FORGET_S, MAX_CLIENTS, ClientTable
from actorkit.mdp.broker.counts import Counts
from actorkit.mdp.broker.request import Client, Request
from tests.runtime.mdp.broker.test_broker import register
from tests.runtime.mdp.peers import Peer, broker_processes
from tests.until import until

KIB = 1024
LIMIT = 1024 * KIB


class Line:
    """A connection of which `left` bytes stay unsent, whatever is sent; None: all that is sent does."""

    def __init__(self, left: int | None = None) -> None:
        self.left = left
        self.hung_up = False

    def same_as(self, other: object) -> bool:
        return self is other

    def unsent(self, sent_bytes: int) -> int:
        if self.hung_up:
            raise OSError("it has ended")
        return sent_bytes if self.left is None else min(sent_bytes, self.left)

    def hang_up(self) -> None:
        self.hung_up = True


class Table:
    def __init__(self) -> None:
        self.counts = Counts()
        self.sent: list[list[f.Part]] = []
        self.clients = ClientTable(self.counts, self.sent, LIMIT, 0.0)

    def meet(self, name: bytes, line: Line | None) -> Client:
        return self.clients.meet(name, line)

    def answer(self, client: Client, size: int, times: int = 1) -> int:
        """Send answers; returns how many were not dropped."""
        before = len(self.sent)
        request = Request(client.identity, client.identity, f.V1, [], 0.0, 0.0, False, client)
        for _ in range(times):
            self.clients.answer(request, b"echo", [b"x" * size])
        return len(self.sent) - before


def test_a_client_that_does_not_read_gets_half_of_the_limit_and_no_more() -> None:
    table = Table()
    deaf = table.meet(b"deaf", Line())
    assert table.answer(deaf, 10 * KIB, 500) == pytest.approx(LIMIT / 2 / (10 * KIB), abs=8)
    assert table.counts.errors["client_bytes"] == 500 - len(table.sent)
    assert table.answer(table.meet(b"other", Line(0)), 100 * KIB, 500) == 500


def test_small_answers_count_with_what_they_cost_in_memory() -> None:
    table = Table()
    unseen = CHECK_BYTES / 16  # these are sent before the first look
    assert table.answer(table.meet(b"deaf", Line()), 1, 100_000) < LIMIT / 256 + unseen


def test_a_client_that_reads_gets_all_and_so_does_one_of_which_nothing_is_known() -> None:
    table = Table()
    for line in (Line(0), Line(CHECK_BYTES // 2), None):
        assert table.answer(table.meet(b"reader", line), 40 * KIB, 1000) == 1000
    assert not table.counts.errors


def test_where_several_fill_the_limit_the_one_with_most_is_hung_up_on() -> None:
    table = Table()
    lines = [Line() for _ in range(4)]
    for number, line in enumerate(lines):
        table.answer(table.meet(b"deaf %d" % number, line), 10 * KIB, 45 - number)
        assert table.clients.unread_bytes <= LIMIT
    assert [line.hung_up for line in lines] == [True, True, False, False]
    assert table.counts.errors["client_hung_up"] == 2


def test_a_single_answer_larger_than_half_the_limit_gets_through_to_who_has_read_all() -> None:
    table = Table()
    assert table.answer(table.meet(b"reader", Line(0)), 800 * KIB, 3) == 3


def test_one_that_reads_again_is_served_again() -> None:
    table = Table()
    line = Line()
    client = table.meet(b"slow", line)
    table.answer(client, 10 * KIB, 500)
    line.left = 0
    table.clients.tick(2.0)
    assert repr(table.clients) == "<ClientTable of 1 clients: 0 bytes wait for 0>"
    line.left = None
    assert table.answer(client, 10 * KIB, 10) == 10


def test_clients_that_ask_nothing_more_are_forgotten_but_not_what_waits_for_them() -> None:
    table = Table()
    table.answer(table.meet(b"deaf", Line()), 10 * KIB, 500)
    table.meet(b"gone", Line(0))
    for sweep in (1, 2, 3):
        table.clients.tick(sweep * (FORGET_S + 1))
    assert list(table.clients.by_identity) == [b"deaf"]


def test_connections_that_come_and_go_quickly_are_forgotten_sooner() -> None:
    table = Table()
    table.answer(table.meet(b"deaf", Line()), 10 * KIB, 500)
    for number in range(3 * MAX_CLIENTS):
        table.meet(b"%d" % number, Line(0))
    assert len(table.clients.by_identity) <= MAX_CLIENTS
    assert b"deaf" in table.clients.by_identity


@examples(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 300 * KIB), st.booleans()), max_size=80))
def test_whoever_reads_or_does_not_the_limit_holds_and_the_books_agree(rows: list[tuple[int, int, bool]]) -> None:
    table = Table()
    lines = [Line() for _ in range(6)]
    for number, (which, size, reads) in enumerate(rows):
        lines[which].left = 0 if reads else None
        table.answer(table.meet(b"%d" % which, lines[which]), size)
        table.clients.tick(float(number))
        assert table.clients.unread_bytes <= LIMIT
    for line in lines:
        line.left = 0
    table.clients.tick(1000.0)
    assert table.clients.unread_bytes == 0


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.timeout(120)
def test_a_client_that_reads_none_of_its_large_answers_costs_the_broker_no_more_than_the_limit(
    make_peer: Callable[..., Peer],
) -> None:
    with broker_processes(1, heartbeat_s=5, client_bytes_limit=32_000_000) as (process,):
        worker = register(make_peer, process.endpoint)
        deaf, honest = make_peer(process.endpoint), make_peer(process.endpoint)
        deaf.socket.setsockopt(zmq.RCVHWM, 1)
        body = b"x" * 1_000_000
        for _ in range(300):
            deaf.send(b"", b"MDPC01", b"echo", b"deaf")
        honest.send(b"", b"MDPC01", b"echo", b"honest")
        served = 0
        while served < 310:
            frames = worker.receive_but_heartbeats()
            worker.send(b"", b"MDPW01", b"\x03", frames[3], b"", body)
            served += 1
            if frames[5] == b"honest":
                assert honest.receive()[3] == body
                if served < 290:
                    honest.send(b"", b"MDPC01", b"echo", b"honest")
                else:
                    served = 310
        assert memory_mb(process.pid) < 120


@pytest.mark.timeout(120)
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_client_that_reads_all_the_time_loses_nothing_of_many_times_the_limit(
    make_broker: Callable[..., tuple[str, object]], make_peer: Callable[..., Peer], tmp_path: Path, transport: str
) -> None:
    with broker_processes(1, heartbeat_s=5, client_bytes_limit=4_000_000) as (process,):
        worker, client = register(make_peer, process.endpoint), make_peer(process.endpoint)
        body = b"x" * 50_000
        for round_ in range(20):
            for _ in range(30):
                client.send(b"", b"MDPC01", b"echo", b"%d" % round_)
            for _ in range(30):
                frames = worker.receive_but_heartbeats()
                worker.send(b"", b"MDPW01", b"\x03", frames[3], b"", body)
            for _ in range(30):
                assert client.receive()[3] == body
        until(lambda: process.alive, "the broker goes on")
