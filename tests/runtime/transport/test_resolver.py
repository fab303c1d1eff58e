"""Names: a name server that fails, is slow, lies or flaps takes no known address away."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event as Flag

from actorkit.transport import resolver
from actorkit.transport.resolver import MAX_ADDRESSES, Resolver

Answer = list[str] | Exception


def scripted(*answers: Answer) -> Callable[[str], list[str]]:
    """A look-up that gives these answers, one after the other; the last one for ever."""
    left: Iterator[Answer] = iter(answers)
    last: list[Answer] = []

    def look_up(host: str) -> list[str]:
        last[:] = [next(left, *last)]
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return look_up


AWAY = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
BROKEN = socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution")


def test_every_address_of_a_name_is_told_once_and_as_an_endpoint() -> None:
    made = Resolver(scripted(["10.0.0.1", "fd00::1", "10.0.0.1"]))
    assert made.addresses("tcp://auth:5550") == ["tcp://10.0.0.1:5550", "tcp://[fd00::1]:5550"]


def test_what_is_no_name_is_not_looked_up() -> None:
    made = Resolver(scripted(AssertionError()))
    for endpoint in ("tcp://10.0.0.1:5550", "tcp://[fd00::1]:5550", "ipc:///a.sock", "inproc://a"):
        assert made.addresses(endpoint) == [endpoint]


@pytest.mark.parametrize("failure", [AWAY, BROKEN, OSError("out of files")])
def test_a_name_server_that_cannot_tell_takes_nothing_away(failure: OSError) -> None:
    made = Resolver(scripted(["10.0.0.1"], failure, failure, ["10.0.0.2"]))
    told = [made.addresses("tcp://auth:1") for _ in range(4)]
    assert told == [["tcp://10.0.0.1:1"], ["tcp://10.0.0.1:1"], ["tcp://10.0.0.1:1"], ["tcp://10.0.0.2:1"]]


def test_a_name_that_is_gone_has_no_address() -> None:
    made = Resolver(scripted(["10.0.0.1"], []))
    assert [made.addresses("tcp://auth:1") for _ in range(2)] == [["tcp://10.0.0.1:1"], []]


def test_a_name_server_that_flaps_is_believed_when_it_answers() -> None:
    made = Resolver(scripted(AWAY, ["10.0.0.1"], AWAY, [], AWAY, ["10.0.0.2"], AWAY))
    found = [made.addresses("tcp://auth:1") for _ in range(7)]
    assert [[one.removeprefix("tcp://10.0.0.").removesuffix(":1") for one in told] for told in found] == [
        [], ["1"], ["1"], [], [], ["2"], ["2"]
    ]  # fmt: skip


def test_a_slow_answer_is_not_waited_for_and_taken_when_it_comes() -> None:
    answered, asked = Flag(), []

    def look_up(host: str) -> list[str]:
        asked.append(host)
        answered.wait()
        return ["10.0.0.1"]

    made = Resolver(look_up, patience_s=0.01)
    assert made.addresses("tcp://auth:1") == []
    assert made.addresses("tcp://auth:1") == []
    assert asked == ["auth"], "a name that is asked for is not asked for again meanwhile"
    answered.set()
    gevent.sleep(0)
    assert made.addresses("tcp://auth:1") == ["tcp://10.0.0.1:1"]


def test_a_name_server_that_lists_half_the_internet_is_not_followed_there() -> None:
    made = Resolver(scripted([f"10.0.{number // 256}.{number % 256}" for number in range(5000)]))
    assert len(made.addresses("tcp://auth:1")) == MAX_ADDRESSES


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_only_the_answer_that_there_is_no_such_name_is_an_empty_one(code: int) -> None:
    told: list[int] = [code, socket.EAI_AGAIN]

    def ask(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(told.pop(0), "no")

    assert resolver.look_up("auth", ask) == []
    with pytest.raises(socket.gaierror):
        resolver.look_up("auth", ask)


def test_the_system_is_asked() -> None:
    assert "127.0.0.1" in resolver.look_up("localhost")


def test_a_host_that_cannot_be_a_name_has_no_address() -> None:
    assert resolver.look_up("a..b") == []
