"""The console as a process, beside real actors."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from actorkit.console.plan import Actor, GraphPlan, Line
from tests.fleet import Fleet, Process, fetch
from tests.ports import free_port
from tests.runtime.admin.fussy import Failing
from tests.until import until


class Beside:
    """A console beside a source and what it sends to."""

    def __init__(self, fleet: Fleet) -> None:
        self.down = [fleet.start("down", "actorkit_actors.flow.null:Null", number) for number in (1, 2)]
        self.up = fleet.start("up", "actorkit_actors.flow.generator:Generator", outbox_down="down", params=GENERATOR)
        for process in (*self.down, self.up):
            until(process.ready, "it is ready")
        self.plan = fleet.folder / "plan.json"
        self.write("test")
        self.port = free_port()
        params = json.dumps({"plan": str(self.plan), "listen": f"127.0.0.1:{self.port}"})
        self.process = fleet.start("console", "actorkit.process.console:Console", params=params)
        until(self.process.ready, "the console is ready")

    def write(self, topology: str) -> None:
        admin = {name: tuple(map(address, processes)) for name, processes in (("up", [self.up]), ("down", self.down))}
        plan = GraphPlan(
            topology=topology,
            actors=(
                Actor(name="up", uses="generator", admin=admin["up"]),
                Actor(name="down", uses="probe", replicas=2, admin=admin["down"]),
            ),
            lines=(Line(source="up", destination="down", outbox="down", inbox="up"),),
        )
        new = self.plan.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(plan))
        new.replace(self.plan)

    def state(self) -> dict[str, Any]:
        status, body = fetch(f"http://127.0.0.1:{self.port}/state")
        assert status == 200
        found: dict[str, Any] = json.loads(body)
        return found

    def ready(self) -> int:
        ready: int = self.state()["actors"]["down"]["ready"]
        return ready


GENERATOR = '{"interval_s": 0.02, "data": "tick"}'


def address(process: Process) -> str:
    return process.admin.removeprefix("http://")


def test_the_console_shows_the_rate_of_a_line_and_how_instances_are(fleet: Fleet) -> None:
    beside = Beside(fleet)
    rate = until(lambda: (beside.state()["lines"][0] or {})["rate"], "there is a rate")
    assert rate == pytest.approx(50, rel=0.5)
    assert beside.ready() == 2
    beside.down[0].kill()
    until(lambda: beside.ready() == 1, "one is gone")
    (gone,) = [one for one in beside.state()["actors"]["down"]["instances"] if one["state"] == "gone"]
    assert gone["address"] == address(beside.down[0])


def test_a_stream_tells_the_plan_and_a_new_one_and_what_is_found(fleet: Fleet) -> None:
    beside = Beside(fleet)
    connection = http.client.HTTPConnection("127.0.0.1", beside.port, timeout=20)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "text/event-stream"

    def data_of(event: str) -> dict[str, Any]:
        while answer.readline() != f"event: {event}\n".encode():
            pass
        found: dict[str, Any] = json.loads(answer.readline().removeprefix(b"data: "))
        return found

    assert data_of("plan")["topology"] == "test"
    assert data_of("state")["actors"].keys() == {"up", "down"}
    beside.write("another")
    assert data_of("plan")["topology"] == "another"
    connection.close()


def test_a_console_that_is_killed_changes_nothing_for_the_graph(fleet: Fleet) -> None:
    beside = Beside(fleet)
    until(lambda: beside.state()["lines"][0], "it shows the line")
    beside.process.kill()
    before = beside.up.metric("actorkit_events_out_total")
    until(lambda: beside.up.metric("actorkit_events_out_total") > before + 20, "events go on")
    assert beside.up.metric("actorkit_reconnects_total") == 0
    assert sum(one.metric("actorkit_connections_lost_total") for one in beside.down) == 0
    again = fleet.restart(beside.process)
    until(again.ready, "it is there again")
    assert beside.ready() == 2


def test_a_console_whose_port_is_taken_says_so(fleet: Fleet, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_bytes(msgspec.json.encode(GraphPlan(topology="test", actors=())))
    first, second = [
        fleet.start("console", "actorkit.process.console:Console", number, params=params)
        for number, params in enumerate([json.dumps({"plan": str(plan), "listen": f"127.0.0.1:{free_port()}"})] * 2)
    ]
    until(lambda: not (first.alive and second.alive), "one of them ends")
    ended = first if not first.alive else second
    assert ended.wait() == 78
    assert "cannot be bound: Address already in use" in ended.said()


def test_what_instances_remember_is_told_and_whoever_acts_says_their_token(fleet: Fleet) -> None:
    failing = Failing(fleet, count=1)
    admin = address(failing.fussy)
    plan = fleet.folder / "plan.json"
    actors = (Actor(name="fussy", uses="fussy", admin=(admin,), letters="fussy"),)
    plan.write_bytes(msgspec.json.encode(GraphPlan(topology="test", actors=actors)))
    url = f"http://127.0.0.1:{free_port()}"
    params = json.dumps({"plan": str(plan), "listen": url.removeprefix("http://")})
    until(fleet.start("console", "actorkit.process.console:Console", params=params).ready, "it is ready")

    (recent,) = json.loads(fetch(f"{url}/told?actor=fussy&page=/recent")[1])
    trace = recent["failures"][0]["trace"]
    (hop,) = json.loads(fetch(f"{url}/way?trace={trace}")[1])["hops"]
    assert (hop["actor"], hop["trail"]) == ("fussy", ["up"])
    assert fetch(f"{url}/told?actor=fussy&page=/metrics") == (404, "page= is one of /graph, /recent, /letters\n")
    assert fetch(f"{url}/told?actor=nobody&page=/recent") == (404, 'there is no actor "nobody"\n')

    query = {"page": "/dlq", "on": "fussy", "address": admin, "action": "drop", "actor": "fussy", "ids": "all"}
    assert post(url, query, "wrong")[0] == 401
    elsewhere = {**query, "address": "127.0.0.1:1"}
    assert post(url, elsewhere, failing.token) == (404, '"fussy" has no instance at "127.0.0.1:1"\n')
    assert post(url, {**query, "page": "/graph"}, failing.token) == (404, "page= is one of /dlq, /log, /put, /tap\n")
    assert json.loads(fetch(f"{url}/state")[1])["actors"]["fussy"]["letters"] == 1
    assert post(url, query, failing.token) == (200, '{"dropped": 1}\n')
    assert json.loads(fetch(f"{url}/state")[1])["actors"]["fussy"]["letters"] == 0


def post(url: str, query: dict[str, str], token: str) -> tuple[int, str]:
    request = urllib.request.Request(f"{url}/act?{urlencode(query)}", b"", {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()
