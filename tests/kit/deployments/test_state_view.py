"""How the state of a deployment is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actorkit_kit.console import Output
from actorkit_kit.deployments import state_view
from actorkit_kit.deployments.deployment import State
from actorkit_kit.deployments.local_run import LocalRun
from actorkit_kit.instance import InstanceStatus, actors_of


def test_a_line_says_what_is_to_be_said_about_an_instance(capsys: pytest.CaptureFixture[str]) -> None:
    missing = "no peer behind auth (tcp://auth:5550) for 40 s"
    instances = [
        InstanceStatus("auth", "auth-1", "unhealthy", missing),
        InstanceStatus("auth", "auth-2", "healthy", restarts=3),
        InstanceStatus("web", "web-1", "healthy", urls=("http://127.0.0.1:80",)),
    ]
    state = State(tuple(actors_of(instances)), tuple(instances))
    state_view.write_state(LocalRun(Path(), "orders"), state, Output.TEXT)
    table, _, lines = capsys.readouterr().out.partition("auth-1: ")
    assert [line.split() for line in table.splitlines()[1:]] == [
        ["auth", "1/2", "unhealthy"],
        ["web", "1/1", "healthy", "http://127.0.0.1:80"],
    ]
    assert lines == f"unhealthy: {missing}\nauth-2: healthy, started again 3 times\n"


def test_the_state_as_json_has_one_shape(capsys: pytest.CaptureFixture[str]) -> None:
    one = InstanceStatus("auth", "auth-1", "healthy", waiting={"web": 3})
    state_view.write_state(LocalRun(Path("/x"), "orders"), State(tuple(actors_of([one])), (one,)), Output.JSON)
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "deployment": "orders",
        "topology": "orders",
        "target": "local",
        "where": 'kit run in "/x"',
        "actors": [{"actor": "auth", "healthy": 1, "wanted": 1, "health": "healthy", "urls": [], "why": ""}],
        "instances": [
            {
                "actor": "auth",
                "name": "auth-1",
                "health": "healthy",
                "why": "",
                "restarts": 0,
                "urls": [],
                "waiting": {"web": 3},
                "services": {},
            }
        ],
        "waiting": {"web": 3},
        "services": {},
    }
