"""How the state of containers is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actorkit_kit.deploy import ports, replicas
from actorkit_kit.deploy.replicas import Replica
from actorkit_kit.deployments.state_view import cells
from actorkit_kit.errors import UsageError
from actorkit_kit.instance import ActorStatus, actors_of
from actorkit_kit.verbs.scale import parse_amount

GOOD = Replica("web", "orders-web-1", "running", "healthy", 0, 0, ("http://127.0.0.1:8080",), "/x")


def attributes(**state: Any) -> dict[str, Any]:
    return {
        "Name": "/orders-web-1",
        "RestartCount": 2,
        "State": {"Status": "running", "ExitCode": 0, **state},
        "Config": {"Labels": {replicas.ACTOR_LABEL: "web", replicas.FOLDER_LABEL: "/x"}},
        "NetworkSettings": {
            "Ports": {
                "5550/tcp": None,
                "8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}],
            }
        },
    }


def test_a_replica_is_read_from_what_the_engine_says() -> None:
    found = replicas.read_replica(attributes(Health={"Status": "starting"}))
    urls = ("http://127.0.0.1:80",)
    wanted = Replica("web", "orders-web-1", "running", "starting", 2, 0, urls, "/x", name="orders-web-1")
    assert found == wanted
    assert not found.healthy
    assert replicas.read_replica(attributes()).healthy


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"health": "unhealthy"}, ""),
        ({"state": "restarting", "exit_status": 78}, "ended with status 78: its settings are wrong"),
        ({"state": "restarting", "exit_status": 1, "restarts": 3}, "was started again 3 times"),
        ({"state": "restarting", "exit_status": 1, "restarts": 1}, ""),
        ({"state": "dead"}, ""),
        ({"state": "removing", "exit_status": 78, "restarts": 3}, ""),
    ],
)
def test_a_replica_has_failed_when_it_will_not_become_healthy(change: dict[str, Any], why: str) -> None:
    assert replace(GOOD, **change).failed == why


def test_rows_count_what_is_healthy_against_what_is_wanted() -> None:
    ill = replace(GOOD, actor="auth", container="orders-auth-1", health="unhealthy", urls=())
    gone = replace(GOOD, actor="auth", container="orders-auth-2", state="exited", health="", urls=())
    rows = actors_of(replicas.instances([GOOD, ill, gone]), {"web": 1, "auth": 3, "broker": 2})
    assert rows == [
        ActorStatus("auth", 0, 3, "unhealthy", ()),
        ActorStatus("broker", 0, 2, "starting", ()),
        ActorStatus("web", 1, 1, "healthy", ("http://127.0.0.1:8080",)),
    ]


def test_an_actor_tells_why_a_replica_is_not_healthy() -> None:
    log = [{"Output": "ready"}, {"Output": "consuming event 12 for 40 s\n"}]
    ill = replicas.read_replica(attributes(Health={"Status": "unhealthy", "Log": log}))
    (row,) = actors_of(replicas.instances([ill]), {"web": 1})
    assert (row.health, row.why) == ("unhealthy", "consuming event 12 for 40 s")
    assert cells(row)[2] == "unhealthy: consuming event 12 for 40 s"


def test_an_instance_has_one_name_and_tells_how_it_ended() -> None:
    given = attributes(
        Status="exited", ExitCode=137, OOMKilled=True, FinishedAt="2026-01-02T03:04:05.678Z", Health={"Status": "none"}
    )
    given["Config"]["Labels"][replicas.TOPOLOGY_LABEL] = "orders"
    (instance,) = replicas.instances([replicas.read_replica(given)])
    assert (instance.name, instance.health, instance.restarts) == ("web-1", "exited", 2)
    assert instance.why == "ended with status 137 at 2026-01-02T03:04:05Z: there was not enough memory"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"Status": "restarting", "ExitCode": 78}, "ended with status 78: its settings are wrong"),
        ({"Status": "exited", "ExitCode": 86}, "ended with status 86: its loop stood still"),
        ({"Status": "exited", "ExitCode": 0}, "ended with status 0"),
        ({"Status": "exited", "ExitCode": 127, "Error": "no such file"}, "ended with status 127: no such file"),
        ({"Status": "paused"}, "it is paused. Let it go on: docker unpause orders-web-1"),
        ({"Status": "running", "Health": {"Status": "healthy"}}, ""),
    ],
)
def test_an_instance_says_what_is_wrong_with_it(state: dict[str, Any], why: str) -> None:
    (instance,) = replicas.instances([replicas.read_replica(attributes(**state))])
    assert instance.why == why


def test_the_first_to_look_at_has_failed_else_is_unhealthy_else_starts() -> None:
    starting = replace(GOOD, container="a", health="starting")
    ill = replace(GOOD, container="b", health="unhealthy")
    failed = replace(GOOD, container="c", state="restarting", health="", restarts=3)
    assert replicas.first_unhealthy([GOOD]) is None
    assert replicas.first_unhealthy([GOOD, starting, ill]) is ill
    assert replicas.first_unhealthy([starting, ill, failed]) is failed


def test_amounts_are_read_or_refused() -> None:
    assert parse_amount("execute=3") == ("execute", 3)
    for text in ("execute", "execute=", "=3", "execute=many", "execute=-1"):
        with pytest.raises(UsageError, match="is not ACTOR=N"):
            parse_amount(text)


def test_published_ports_may_be_a_range() -> None:
    assert list(ports.published_ports("8080")) == [8080]
    assert list(ports.published_ports("8080-8082")) == [8080, 8081, 8082]
    assert list(ports.published_ports("")) == []
