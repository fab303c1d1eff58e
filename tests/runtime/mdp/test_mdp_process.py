"""Broker and registration service as processes, configured by the environment alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actorkit.mdp.client.client import Client
from actorkit.mdp.directory.discovery import Discovery
from actorkit.mdp.worker.worker import Worker
from tests.fleet import Fleet, fetch
from tests.ports import free_port
from tests.until import until


@pytest.mark.timeout(60)
def test_a_broker_is_found_through_a_registration_service_and_both_end_on_sigterm(
    tmp_path: Path, make_worker: Callable[..., Worker], make_client: Callable[..., Client]
) -> None:
    service, broker = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
    fleet = Fleet(tmp_path)
    params = f'{{"registration": ["{service}"], "announce_s": 0.1, "heartbeat_s": 0.5}}'
    running = [
        fleet.start("registration", "actorkit.mdp.directory:RegistrationService", inbox=service),
        fleet.start("broker", "actorkit.mdp.broker:Broker", inbox=broker, params=params),
    ]
    try:
        endpoint = "registry+" + service
        until(lambda: Discovery().addresses(endpoint) == [broker], "the broker is listed", 20)
        make_worker([endpoint], "echo", lambda body: body)
        assert make_client(endpoint).call("echo", [b"x"], timeout_s=10, retries=1) == [b"x"]
        assert fetch(f"{running[1].admin}/scale") == (200, '{"echo":0}\n')
        for process, metric in zip(running, ("registration_brokers", "broker_answers_total"), strict=True):
            assert f"actorkit_{metric}" in fetch(f"{process.admin}/metrics")[1]
            assert process.ready()
        assert [process.stop() for process in reversed(running)] == [0, 0]
    finally:
        fleet.close()
