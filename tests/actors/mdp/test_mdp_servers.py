"""mdp-broker, mdp-registration-service and mdp-titanic: in a Director, and as processes that are killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from actorkit import Actor, Event
from actorkit.director import Director
from actorkit.errors import SettingsError
from actorkit.mdp.client.client import Client
from actorkit.mdp.titanic.titanic import Titanic
from actorkit.mdp.worker.worker import Worker
from actorkit.testing import Harness
from actorkit.transport.keys import ClientKeys
from actorkit.transport.topology_keys import generate
from actorkit_actors.mdp.mdp_broker import MDPBroker
from actorkit_actors.mdp.mdp_client import MDPClient
from actorkit_actors.mdp.mdp_registration_service import MDPRegistrationService
from actorkit_actors.mdp.mdp_titanic import MDPTitanic
from actorkit_actors.mdp.mdp_worker import MDPWorker
from tests.fleet import Process
from tests.ports import free_port
from tests.until import until

#: Longest wait for anything here, in seconds.
DEADLINE_S = 20.0

BROKER = "actorkit.mdp.broker:Broker"
REGISTRATION = "actorkit.mdp.directory:RegistrationService"
TITANIC = "actorkit_actors.mdp.mdp_titanic:MDPTitanic"


class Asker(Actor):
    ANSWERS = True


class Shout(Actor):
    def consume(self, event: Event) -> Event:
        return event.replace(event.text().upper())


def collected(client: Client, name: bytes) -> list[bytes]:
    """The answer of a durable request, once it is there."""

    def answer() -> list[bytes]:
        found = client.call("titanic.reply", [name], timeout_s=DEADLINE_S)
        return [] if found == [b"300"] else found

    return until(answer, "the request is done", DEADLINE_S, pause_s=0.02)


def test_a_director_hosts_a_broker_that_its_clients_and_workers_use(tmp_path: Path) -> None:
    director = Director("hosted")
    director.register_actor(MDPTitanic, "titanic", folder=str(tmp_path / "kept"), retry_s=0.1)
    listing = f"tcp://127.0.0.1:{free_port()}"
    director.register_actor(MDPRegistrationService, "registration", port=int(listing.rpartition(":")[2]))
    director.register_actor(MDPBroker, "broker", port=0, registration=[listing], announce_s=0.1)
    asker = director.register_actor(Asker, "asker")
    client = director.register_actor(MDPClient, "client", service="shout")
    worker = director.register_actor(MDPWorker, "worker", service="shout")
    shout = director.register_actor(Shout, "shout")
    for source, destination in ((asker, client), (client, asker), (worker, shout), (shout, worker)):
        director.connect_queue(source, destination)
    director.start(block=False)
    try:
        director.wait_ready()
        answer = director.host("asker").actor.request(Event("hello"), timeout_s=DEADLINE_S)
        assert answer.text() == "HELLO"
        outside = Client([f"registry+{listing}"])
        try:
            status, name = outside.call("titanic.request", [b"shout", b"kept"], timeout_s=DEADLINE_S)
            assert (status, collected(outside, name)) == (b"200", [b"200", b"KEPT"])
            broker = director.host("broker").actor
            assert isinstance(broker, MDPBroker)
            assert outside.brokers == [broker.endpoint]
        finally:
            outside.close()
    finally:
        assert director.stop()


def test_a_director_with_two_brokers_tells_of_both_and_starts_no_other(tmp_path: Path) -> None:
    director = Director("two")
    director.register_actor(MDPBroker, "one", port=0)
    director.register_actor(MDPBroker, "other", port=0)
    director.register_actor(MDPTitanic, "titanic", folder=str(tmp_path))
    director.start(block=False)
    try:
        endpoints = {getattr(director.host(name).actor, "endpoint", "") for name in ("one", "other")}
        assert set(director.host("titanic").brokers) == endpoints
        assert len(endpoints) == 2
    finally:
        assert director.stop()


def test_a_hosted_server_refuses_what_other_machines_reach_without_keys() -> None:
    for cls in (MDPBroker, MDPRegistrationService):
        director = Director("open")
        director.register_actor(cls, "server", host="0.0.0.0", port=0)
        with pytest.raises(SettingsError, match="can be reached from other machines and has no keys"):
            director.start(block=False)
        assert not director.is_running()


def test_a_second_instance_does_not_get_the_folder_of_the_first(tmp_path: Path) -> None:
    director = Director("locked")
    director.register_actor(MDPTitanic, "first", folder=str(tmp_path))
    director.register_actor(MDPTitanic, "second", folder=str(tmp_path))
    with pytest.raises(SettingsError, match="another instance keeps requests in"):
        director.start(block=False)
    again = Director("again")
    again.register_actor(MDPTitanic, "first", folder=str(tmp_path))
    again.start(block=False)
    assert again.stop()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    director = Director("nowhere")
    director.register_actor(MDPTitanic, "titanic", folder=str(tmp_path / "file" / "inside"))
    with pytest.raises(SettingsError, match=r"folder: .* cannot be used: Not a directory"):
        director.start(block=False)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `python -m actorkit` with a class; whatever still runs at the end is killed."""
    with ExitStack() as stack:
        yield lambda class_path, **variables: stack.enter_context(
            Process({"ACTORKIT_ACTOR": "server", "ACTORKIT_CLASS": class_path, **variables}, tmp_path / "log")
        )


@pytest.mark.parametrize("class_path", [BROKER, REGISTRATION])
def test_without_keys_a_process_that_others_reach_ends_with_78_and_one_line(
    class_path: str, start: Start, tmp_path: Path
) -> None:
    assert start(class_path, ACTORKIT_INBOX=f"tcp://*:{free_port()}").wait(DEADLINE_S) == 78
    said = (tmp_path / "log").read_text()
    assert said.count("\n") == 1
    assert said.startswith('actorkit: "server" at tcp://*:')
    assert "Set ACTORKIT_KEYS (keys: in the topology), or the parameter clear to true." in said


@pytest.mark.parametrize("class_path", [BROKER, REGISTRATION])
def test_with_leave_it_serves_and_ends_on_sigterm(class_path: str, start: Start, tmp_path: Path) -> None:
    process = start(class_path, ACTORKIT_INBOX=f"tcp://*:{free_port()}", ACTORKIT_PARAMS='{"clear": true}')
    until(lambda: " serves at tcp://0.0.0.0:" in (tmp_path / "log").read_text(), "it serves", DEADLINE_S)
    assert process.stop(timeout_s=DEADLINE_S) == 0


def test_with_the_topologys_keys_nobody_else_gets_in_and_all_find_each_other(start: Start, tmp_path: Path) -> None:
    pair = generate()
    keys = tmp_path / "keys"
    keys.write_text(f'{{"public_key": "{pair.public_key}", "secret_key": "{pair.secret_key}"}}')
    listing, broker = (f"tcp://*:{free_port()}" for _ in range(2))
    meeting = f"registry+{listing.replace('*', '127.0.0.1')}"
    start(REGISTRATION, ACTORKIT_INBOX=listing, ACTORKIT_KEYS=str(keys))
    start(
        BROKER,
        ACTORKIT_INBOX=broker,
        ACTORKIT_KEYS=str(keys),
        ACTORKIT_BROKERS=meeting,
        ACTORKIT_PARAMS='{"announce_s": 0.1}',
    )
    friend = Client([meeting], keys=pair.client)
    stranger = Client([meeting], keys=ClientKeys(server_key=pair.public_key, **_pair_of(generate())))
    try:
        assert friend.wait(DEADLINE_S)
        assert friend.brokers == [broker.replace("*", "127.0.0.1")]
        assert friend.call("mmi.service", [b"a"], timeout_s=DEADLINE_S) == [b"404"]
        assert not stranger.wait(1.5)
    finally:
        friend.close()
        stranger.close()


def _pair_of(pair: object) -> dict[str, str]:
    return {name: getattr(pair, name) for name in ("public_key", "secret_key")}


@pytest.mark.timeout(120)
def test_durable_requests_survive_sigkill_of_titanic_and_of_the_broker(start: Start, tmp_path: Path) -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    broker = start(BROKER, ACTORKIT_INBOX=endpoint)
    variables = {
        "ACTORKIT_BROKERS": endpoint,
        "ACTORKIT_PARAMS": f'{{"folder": "{tmp_path}/kept", "retry_s": 0.1}}',
    }
    titanic = start(TITANIC, **variables)
    client = Client([endpoint])
    names = []
    try:
        assert client.wait(DEADLINE_S)
        for number in range(20):
            body = [b"later", b"%d" % number]
            status, name = client.call("titanic.request", body, timeout_s=DEADLINE_S, retries=0)
            assert status == b"200"
            names.append(name)
        for process in (titanic, broker):
            process.kill()
        start(BROKER, ACTORKIT_INBOX=endpoint)
        start(TITANIC, **variables)
        worker = Worker([endpoint], "later", lambda body: [b"did " + body[0]])
        worker.start()
        try:
            until(lambda: bool(client.brokers), "the new broker is there", DEADLINE_S)
            assert [collected(client, name) for name in names] == [[b"200", b"did %d" % n] for n in range(20)]
        finally:
            worker.close()
    finally:
        client.close()


def test_every_setting_of_titanic_is_a_parameter_of_the_actor_and_gets_there(tmp_path: Path) -> None:
    settings = signature(Titanic.__init__).parameters.keys() - {"self", "endpoints", "path", "keys", "clock"}
    wanted: dict[str, Any] = {
        "at_a_time": 3,
        "limit": 4,
        "timeout_s": 5.5,
        "retry_s": 6.5,
        "keep_s": 7.5,
        "heartbeat_s": 8.5,
    }
    assert settings == wanted.keys()
    with Harness(MDPTitanic, folder=str(tmp_path), brokers=["tcp://127.0.0.1:1"], **wanted) as harness:
        assert harness.actor.settings == wanted
