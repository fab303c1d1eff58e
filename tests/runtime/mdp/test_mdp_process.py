"""Broker and registration service as processes, configured by the environment alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actorkit.mdp.client.client import Client
from actorkit.mdp.directory.discovery import Discovery
from actorkit.mdp.worker.worker import Worker
from tests.fleet import PYTHONPATH, fetch
from tests.runtime.mdp.peers import free_port
from tests.until import until

MAIN = "from actorkit import settings; from actorkit.process import server; exit(server.main(settings.read()))"


class Running:
    def __init__(self, log: Path, **variables: str) -> None:
        self.port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": PYTHONPATH,
            "ACTORKIT_TOPOLOGY": "test",
            "ACTORKIT_ADMIN": f"127.0.0.1:{self.port}",
            **variables,
        }
        with log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-c", MAIN], env=environment, stdout=out, stderr=out)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)


@pytest.mark.timeout(60)
def test_a_broker_is_found_through_a_registration_service_and_both_end_on_sigterm(
    tmp_path: Path, make_worker: Callable[..., Worker], make_client: Callable[..., Client]
) -> None:
    service, broker = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
    running = [
        Running(
            tmp_path / "registration.log",
            ACTORKIT_ACTOR="registration",
            ACTORKIT_CLASS="actorkit.mdp.directory:RegistrationService",
            ACTORKIT_INBOX=service,
        ),
        Running(
            tmp_path / "broker.log",
            ACTORKIT_ACTOR="broker",
            ACTORKIT_CLASS="actorkit.mdp.broker:Broker",
            ACTORKIT_INBOX=broker,
            ACTORKIT_PARAMS=f'{{"registration": ["{service}"], "announce_s": 0.1, "heartbeat_s": 0.5}}',
        ),
    ]
    try:
        endpoint = "registry+" + service
        until(lambda: Discovery().addresses(endpoint) == [broker], "the broker is listed", 20)
        make_worker([endpoint], "echo", lambda body: body)
        assert make_client(endpoint).call("echo", [b"x"], timeout_s=10, retries=1) == [b"x"]
        for process, metric in zip(running, ("registration_brokers", "broker_answers_total"), strict=True):
            assert f"actorkit_{metric}" in fetch(f"http://127.0.0.1:{process.port}/metrics")[1]
            assert fetch(f"http://127.0.0.1:{process.port}/readyz")[0] == 200
        assert [process.end() for process in reversed(running)] == [0, 0]
    finally:
        for process in running:
            process.process.kill()
            process.process.wait()


def test_a_class_that_is_no_server_is_named_in_the_error() -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": PYTHONPATH,
        "ACTORKIT_TOPOLOGY": "test",
        "ACTORKIT_ACTOR": "broker",
        "ACTORKIT_CLASS": "actorkit.mdp.broker:Brokr",
        "ACTORKIT_INBOX": "tcp://127.0.0.1:*",
    }
    done = subprocess.run([sys.executable, "-c", MAIN], env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert (
        'ACTORKIT_CLASS is "actorkit.mdp.broker:Brokr", not a server. Use actorkit.mdp.broker:Broker or' in done.stderr
    )
