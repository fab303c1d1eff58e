"""With keys configured nobody without one gets a frame in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
import zmq

from actorkit.errors import SettingsError
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.directory.discovery import ask
from actorkit.mdp.directory.service import RegistrationService
from actorkit.mdp.errors import NoBroker
from actorkit.mdp.options import BrokerParams
from actorkit.mdp.worker.worker import Worker
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.keys import ClientKeys, ServerKeys
from tests.runtime.mdp.peers import Peer
from tests.until import until

MakeBroker = Callable[..., tuple[str, Broker]]


def pair() -> tuple[str, str]:
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


SERVER, FRIEND, STRANGER = pair(), pair(), pair()


def keys(own: tuple[str, str], server: str = SERVER[0]) -> ClientKeys:
    return ClientKeys(server_key=server, public_key=own[0], secret_key=own[1])


@pytest.fixture
def secured(make_broker: MakeBroker) -> tuple[str, Broker]:
    return make_broker(keys=ServerKeys(secret_key=SERVER[1], allowed=[FRIEND[0]]))


def test_who_has_a_key_is_served(secured: tuple[str, Broker]) -> None:
    worker = Worker([secured[0]], "echo", lambda body: body, keys=keys(FRIEND), heartbeat_s=0.25)
    client = Client([secured[0]], keys=keys(FRIEND))
    try:
        worker.start()
        assert client.call("echo", [b"x"], timeout_s=5) == [b"x"]
    finally:
        client.close()
        worker.close()


@pytest.mark.parametrize(
    "wrong", [keys(STRANGER), keys(FRIEND, server=STRANGER[0]), None], ids=["unknown key", "wrong server", "no key"]
)
def test_who_has_none_gets_nothing_in(secured: tuple[str, Broker], wrong: ClientKeys | None) -> None:
    client = Client([secured[0]], keys=wrong)
    try:
        with pytest.raises(NoBroker):
            client.call("echo", [b"x"], timeout_s=0.5)
    finally:
        client.close()
    assert secured[1].state.counts.requests == 0
    assert not secured[1].state.counts.errors


def test_a_stranger_is_counted(secured: tuple[str, Broker]) -> None:
    client = Client([secured[0]], keys=keys(STRANGER))
    try:
        until(lambda: secured[1].denied > 0, "the stranger is denied")
        assert "<ZapHandler of 1 keys, " in repr(secured[1].router)
    finally:
        client.close()


def test_frames_in_the_clear_do_not_reach_a_broker_with_keys(
    secured: tuple[str, Broker], make_peer: Callable[..., Peer]
) -> None:
    peer = make_peer(secured[0])
    peer.socket.sndtimeo = 0
    with contextlib.suppress(zmq.Again):  # it may have been turned away already
        peer.send(b"", b"MDPC01", b"mmi.service", b"echo")
    assert peer.hears_nothing(0.5)
    assert secured[1].state.counts.mmi == 0


def test_a_registration_service_with_keys_answers_those_who_have_one() -> None:
    service = RegistrationService("tcp://127.0.0.1:*", keys=ServerKeys(secret_key=SERVER[1], allowed=[FRIEND[0]]))
    endpoint = service.bind()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        assert ask(endpoint, 0.3) is None
        assert ask(endpoint, 0.3, keys=keys(STRANGER)) is None
        assert ask(endpoint, 5, keys=keys(FRIEND)) is not None
    finally:
        service.stop()
        thread.join()


def test_a_broker_for_other_machines_needs_keys_or_leave_to_go_without() -> None:
    with pytest.raises(SettingsError, match=r"has no keys\."):
        Broker("tcp://*:*", BrokerParams(clear=False)).bind()


def test_a_wrong_key_is_named_and_not_shown() -> None:
    wrong = "\xff" * 40
    with pytest.raises(SettingsError, match="secret_key is no CURVE key") as caught:
        Broker("tcp://127.0.0.1:*", BrokerParams(keys=ServerKeys(secret_key=wrong, allowed=[]))).bind()
    assert wrong not in str(caught.value)
    assert SERVER[1] not in repr(ServerKeys(secret_key=SERVER[1], allowed=[]))
    assert FRIEND[1] not in repr(keys(FRIEND))


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("tcp://127.0.0.1:5555", True),
        ("tcp://[::1]:5555", True),
        ("tcp://localhost:5555", True),
        ("ipc:///tmp/x", True),
        ("tcp://*:5555", False),
        ("tcp://0.0.0.0:5555", False),
        ("tcp://broker:5555", False),
    ],
)
def test_local_endpoints_are_known(endpoint: str, local: bool) -> None:
    assert Endpoint.parse(endpoint).is_local is local
