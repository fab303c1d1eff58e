"""Durable requests: accepted means stored; the broker, Titanic and the worker may each be killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from actorkit.errors import ActorkitError, SettingsError
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.frames import read_error_header
from actorkit.mdp.titanic.store import Store
from actorkit.mdp.titanic.titanic import Titanic
from actorkit.mdp.worker.worker import Worker
from tests.fleet import Process
from tests.runtime.mdp.peers import broker_processes
from tests.until import until

UNKNOWN = b"0" * 32


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    """Make and start a Titanic, Worker or Client that is closed in the end."""
    made: list[Any] = []

    def build(kind: type[Any], *args: Any, **options: Any) -> Any:
        thing = kind(*args, **options)
        made.append(thing)
        if kind is not Client:
            thing.start()
        return thing

    yield build
    for thing in reversed(made):
        thing.close()


class User:
    """Talks to Titanic as RFC 9 says."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ask(self, what: str, *body: bytes) -> list[bytes]:
        return self._client.call(f"titanic.{what}", body, timeout_s=10, retries=1)

    def request(self, *body: bytes) -> bytes:
        status, name = self.ask("request", *body)
        assert status == b"200"
        return name

    def collect(self, name: bytes) -> list[bytes]:
        until(lambda: self.ask("reply", name)[0] == b"200", "the request is done")
        return self.ask("reply", name)[1:]


CODE = """\
import gevent, sys; from pathlib import Path; from actorkit.mdp.titanic import Titanic
Titanic([sys.argv[1]], Path(sys.argv[2]), heartbeat_s=0.3, retry_s=0.1).start(); gevent.sleep(1000)
"""


def launch(endpoint: str, folder: Path) -> Process:
    """A Titanic as a process of its own."""
    command = [sys.executable, "-c", CODE, endpoint, str(folder / "titanic.db")]
    return Process({}, folder / "log", command=command)


@pytest.fixture
def titanic(broker: tuple[str, Broker], make: Callable[..., Any], tmp_path: Path) -> tuple[str, Titanic, User]:
    options: dict[str, Any] = {"heartbeat_s": 0.25, "retry_s": 0.1}
    made = make(Titanic, [broker[0]], tmp_path / "titanic.db", **options)
    return broker[0], made, User(make(Client, [broker[0]]))


def echo(body: list[bytes]) -> list[bytes]:
    return body


def test_rule_28_a_request_is_accepted_done_collected_and_closed(
    titanic: tuple[str, Titanic, User], make: Callable[..., Any]
) -> None:
    endpoint, _, user = titanic
    name = user.request(b"echo", b"one", b"two")
    assert user.ask("reply", name) == [b"300"]
    make(Worker, [endpoint], "echo", echo, heartbeat_s=0.25)
    assert user.collect(name) == [b"one", b"two"]
    assert user.ask("close", name) == [b"200"]
    assert user.ask("reply", name) == [b"400"]


def test_rule_30_an_id_is_32_hexadecimal_characters(titanic: tuple[str, Titanic, User]) -> None:
    name = titanic[2].request(b"echo", b"x")
    assert len(name) == 32
    assert int(name, 16) > 0


@pytest.mark.parametrize("name", [UNKNOWN, b"", b"../../etc/passwd", b"x" * 32, b"\xff" * 32])
def test_rule_29_what_is_no_known_id_is_400(titanic: tuple[str, Titanic, User], name: bytes) -> None:
    assert titanic[2].ask("reply", name) == [b"400"]


def test_rule_31_reply_deletes_nothing_and_close_is_200_for_an_unknown_id(
    titanic: tuple[str, Titanic, User], make: Callable[..., Any]
) -> None:
    endpoint, _, user = titanic
    make(Worker, [endpoint], "echo", echo, heartbeat_s=0.25)
    name = user.request(b"echo", b"x")
    assert user.collect(name) == [b"x"]
    assert user.collect(name) == [b"x"]
    assert user.ask("close", UNKNOWN) == [b"200"]
    assert user.ask("close", name) == user.ask("close", name) == [b"200"]


@pytest.mark.parametrize("body", [(b"echo",), (b"",), (b"mmi.x", b"y"), (b"titanic.request", b"y"), (b"\xff", b"y")])
def test_what_cannot_be_done_is_not_accepted(titanic: tuple[str, Titanic, User], body: tuple[bytes, ...]) -> None:
    assert titanic[2].ask("request", *body)[0].startswith(b"500")


def test_a_handler_that_fails_is_an_answer(titanic: tuple[str, Titanic, User], make: Callable[..., Any]) -> None:
    endpoint, _, user = titanic

    def fail(body: list[bytes]) -> list[bytes]:
        raise ValueError("no total")

    make(Worker, [endpoint], "echo", fail, heartbeat_s=0.25)
    client = make(Client, [endpoint])
    name = user.request(b"echo", b"x")
    caught: list[Exception] = []

    def answered() -> bool:
        try:
            return bool(client.call("titanic.reply", [name], timeout_s=5)[0] == b"200")
        except Exception as exc:  # noqa: BLE001  # the test looks at it
            caught.append(exc)
            return True

    until(answered, "the failure is the answer")
    note = read_error_header(user.ask("reply", name)[1:])
    assert note is not None
    assert "no total" in note.error


def test_requests_survive_the_sigkill_of_broker_and_titanic(make: Callable[..., Any], tmp_path: Path) -> None:
    with broker_processes(1) as (broker,):
        process = launch(broker.endpoint, tmp_path)
        try:
            user = User(make(Client, [broker.endpoint]))
            names = [user.request(b"echo", b"%d" % number) for number in range(20)]
            process.kill()
            broker.kill()
            broker.start()
            process = launch(broker.endpoint, tmp_path)
            make(Worker, [broker.endpoint], "echo", echo, heartbeat_s=0.3)
            assert [user.collect(name) for name in names] == [[b"%d" % number] for number in range(20)]
        finally:
            process.close()


def test_many_requests_are_each_done_once(titanic: tuple[str, Titanic, User], make: Callable[..., Any]) -> None:
    endpoint, _, user = titanic
    done: list[bytes] = []

    def note(body: list[bytes]) -> list[bytes]:
        done.append(body[0])
        return body

    make(Worker, [endpoint], "echo", note, heartbeat_s=0.25, capacity=4)
    asked = [gevent.spawn(user.request, b"echo", b"%d" % number) for number in range(100)]
    gevent.joinall(asked, timeout=20)
    assert [user.collect(greenlet.value) for greenlet in asked] == [[b"%d" % number] for number in range(100)]
    assert sorted(done) == sorted(b"%d" % number for number in range(100)), "each was done once"


def test_a_store_forgets_what_is_old_and_keeps_the_first_answer(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db")
    old, new = store.add("echo", [b"1"], 10.0), store.add("echo", [b"2"], 20.0)
    assert [pending.id for pending in store.pending("echo", 5)] == [old, new]
    assert [pending.id for pending in store.pending("echo", 5, [old])] == [new]
    assert store.pending("other", 5) == []
    assert store.drop_older(15.0) == 1
    store.answer(new, [b"first"])
    store.answer(new, [b"second"])
    assert store.find(new) == (True, [b"first"])
    assert store.find(old) == (False, [])
    assert store.count() == 1
    store.close()


def test_a_store_tells_each_service_that_has_requests_without_an_answer_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db")
    assert store.waiting() == []
    names = [store.add(service, [b"x"], 1.0) for service in ("b", "a", "b", "c")]
    assert store.waiting() == ["a", "b", "c"]
    store.answer(names[1], [b"y"])
    store.close_request(names[3])
    store.close_request(names[3])
    assert store.waiting() == ["b"]
    assert store.count() == 3
    store.close()
    again = Store(tmp_path / "x.db")
    assert again.count() == 3
    again.close()


def test_a_service_that_is_not_there_holds_up_no_other(
    broker: tuple[str, Broker], make: Callable[..., Any], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"heartbeat_s": 0.25, "retry_s": 0.2, "at_a_time": 2}
    make(Titanic, [broker[0]], tmp_path / "x.db", **options)
    user = User(make(Client, [broker[0]]))
    missing = [user.request(b"missing", b"%d" % number) for number in range(10)]
    make(Worker, [broker[0]], "echo", echo, heartbeat_s=0.25)
    names = [user.request(b"echo", b"%d" % number) for number in range(4)]
    assert [user.collect(name) for name in names] == [[b"%d" % number] for number in range(4)]
    assert user.ask("reply", missing[0]) == [b"300"]
    asked, since = broker[1].state.counts.mmi, time.monotonic()
    until(lambda: broker[1].state.counts.mmi >= asked + 10, "it is looked for again and again")
    assert time.monotonic() - since > 0.6, "two at a time every 0.2 s"
    make(Worker, [broker[0]], "missing", echo, heartbeat_s=0.25)
    assert [user.collect(name) for name in missing] == [[b"%d" % number] for number in range(10)]


def test_what_was_accepted_is_done_though_titanic_and_broker_are_killed_again_and_again_under_load(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    with broker_processes(1) as (broker,):
        made: list[bytes] = []

        def work(body: list[bytes]) -> list[bytes]:
            made.append(body[0])
            return body

        make(Worker, [broker.endpoint], "echo", work, heartbeat_s=0.3, capacity=8)
        client = make(Client, [broker.endpoint])
        accepted: dict[bytes, bytes] = {}
        stop = False

        def ask(number: int) -> None:
            turn = 0
            while not stop:
                body = b"%d.%d" % (number, turn)
                turn += 1
                try:
                    status, *name = client.call("titanic.request", [b"echo", body], timeout_s=1)
                except ActorkitError:
                    continue  # not accepted, as far as we know
                assert status == b"200"
                accepted[name[0]] = body

        process = launch(broker.endpoint, tmp_path)
        try:
            askers = [gevent.spawn(ask, number) for number in range(8)]
            for turn in range(4):
                more = len(accepted) + 30
                until(lambda more=more: len(accepted) > more, "requests are accepted", 20)  # type: ignore[misc]
                process.kill()
                if turn % 2:
                    broker.kill()
                    broker.start()
                process = launch(broker.endpoint, tmp_path)
            stop = True
            gevent.joinall(askers, timeout=20, raise_error=True)
            user = User(client)
            assert {name: user.collect(name) for name in accepted} == {name: [body] for name, body in accepted.items()}
            assert set(accepted.values()) <= set(made)
        finally:
            process.close()


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        Store(tmp_path / "nowhere" / "x.db")


def test_a_full_titanic_says_500(broker: tuple[str, Broker], make: Callable[..., Any], tmp_path: Path) -> None:
    make(Titanic, [broker[0]], tmp_path / "x.db", limit=1, heartbeat_s=0.25)
    user = User(make(Client, [broker[0]]))
    user.request(b"echo", b"x")
    assert user.ask("request", b"echo", b"y") == [b"500 too many requests are kept"]
