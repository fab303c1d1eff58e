"""What a server's process makes of its settings."""

from __future__ import annotations

import json

import pytest

from actorkit import settings
from actorkit.process import server

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
