"""`kit send`, `tap`, `trace` and `top` on containers: what wants the token gets it by `docker exec`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.deploying import deployed, docker, kit

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NAME = "operated"

TOPOLOGY = f"""\
name: {NAME}
actors:
  tick: {{uses: generator, params: {{interval_s: 0.2, data: tick}}}}
  check: {{uses: filter, params: {{when: {{at: data, regex: "."}}}}, replicas: 2}}
  out: {{uses: stdout}}
connections: [tick -> check -> out]
clear: true
"""


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with deployed(NAME, TOPOLOGY, tmp_path_factory.mktemp(NAME)) as file:
        yield file


def told(*arguments: str) -> Any:
    done = kit(*arguments, "-d", NAME, "-t", "compose", "-o", "json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_an_event_that_is_sent_by_hand_is_finished_and_its_way_is_told(operated: Path) -> None:
    sent = told("send", "check", "--data", "by hand", "--wait")
    assert (sent["finished"], sent["failures"]) == (True, [])
    hops = told("trace", sent["trace"])["hops"]
    assert [hop["actor"] for hop in hops] == ["check", "out"]


def test_a_tap_shows_what_passes_in_containers(operated: Path) -> None:
    done = kit("tap", "check.out", "-n", "3", "-d", NAME, "-t", "compose", "-o", "json")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["body"]["text"] for one in shown] == ["tick"] * 3, done.stderr
    assert {one["instance"] for one in shown} <= {"check-1", "check-2"}


def test_top_tells_the_rate_of_a_source(operated: Path) -> None:
    rates = told("top", "--once")
    rows = {row["actor"]: row for row in rates["actors"]}
    assert (rows["check"]["healthy"], rates["silent"]) == (2, [])
    assert 0 < rows["tick"]["out_per_s"] <= 20


def test_the_token_is_the_containers_own(operated: Path) -> None:
    containers = docker("ps", "--quiet", "--filter", f"label=io.actorkit.topology={NAME}").split()
    files = [docker("exec", one, "stat", "-c", "%a %u", "/tmp/admin-token") for one in containers]
    assert set(files) == {"600 10001"}
    assert len({docker("exec", one, "cat", "/tmp/admin-token") for one in containers}) == len(containers)
