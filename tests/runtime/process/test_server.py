"""What a server's process makes of its settings."""

from __future__ import annotations

import json

import pytest

from actorkit import settings
from actorkit.mdp.options import BrokerParams
from actorkit.process import server
from actorkit.process.server_graph import graph_of
from tests.fleet import Fleet, fetch
from tests.until import until

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("params", "queues", "clients"),
    [({}, 32, 32), ({"client_bytes_limit": 100 * MIB}, 32, 100), ({"queue_bytes_limit": 100 * MIB}, 100, 32)],
)
def test_what_waits_in_a_broker_is_at_most_a_quarter_of_its_containers_memory_unless_it_is_set(
    monkeypatch: pytest.MonkeyPatch, params: dict[str, int], queues: int, clients: int
) -> None:
    for name, value in {
        "TOPOLOGY": "test",
        "ACTOR": "broker",
        "CLASS": "actorkit.mdp.broker:Broker",
        "INBOX": "tcp://127.0.0.1:*",
        "PARAMS": json.dumps(params),
    }.items():
        monkeypatch.setenv(f"ACTORKIT_{name}", value)
    made = server.broker(settings.read(), "tcp://127.0.0.1:*", memory_bytes=128 * MIB)
    assert (made.params.queue_bytes_limit, made.params.client_bytes_limit) == (queues * MIB, clients * MIB)


def test_a_broker_tells_its_services_and_no_key(fleet: Fleet) -> None:
    keys = {"secret_key": "s" * 40, "allowed": ["p" * 40]}
    params = json.dumps({"services": {"orders": {"queue_limit": 5}}, "registration_keys": None})
    broker = fleet.start("broker", "actorkit.mdp.broker:Broker", params=params)
    until(lambda: broker.admin, "the admin server is there")
    told = json.loads(fetch(f"{broker.admin}/graph")[1])
    assert (told["actor"], told["class"], told["not_ready"]) == ("broker", "actorkit.mdp.broker:Broker", "")
    assert told["services"] == {"orders": {"workers": 0, "busy": 0, "waiting": 0, "oldest_waiting_s": 0.0}}
    made = settings.Settings("broker", "actorkit.mdp.broker:Broker", params={"keys": keys})
    shown = graph_of(made, BrokerParams, server.broker(made, "tcp://127.0.0.1:*"))["parameters"]["keys"]
    assert shown == {"secret_key": "[secret]", "allowed": ["p" * 40]}


def test_a_registration_service_tells_the_brokers(fleet: Fleet) -> None:
    process = fleet.start("names", "actorkit.mdp.directory:RegistrationService")
    until(lambda: process.admin, "the admin server is there")
    assert json.loads(fetch(f"{process.admin}/graph")[1])["brokers"] == []
