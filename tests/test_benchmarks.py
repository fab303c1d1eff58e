"""Every benchmark runs and has its figures. How large they are depends on the machine, so nothing is said of that."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.places import ROOT

#: The most that the Secret of a release of 500 actors may have; Kubernetes takes 1 MiB.
MOST_KB = 300


def rows(tmp_path: Path, name: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a benchmark with a single round, and read what it wrote."""
    file = tmp_path / "rows.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--runs", "1", "--json", str(file), *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    found: list[dict[str, Any]] = json.loads(file.read_text())
    return found


def numbers(value: object) -> Iterator[float]:
    """All numbers in what was written, wherever they stand."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("start", {"start"}),
        ("latency", {"hop", "idle"}),
        ("window", {"full window"}),
        ("senders", {"long bodies"}),
        ("sql", {"sql-out"}),
        ("client", {"http-client -> http-server"}),
        ("files", {"file-in -> file-out"}),
        ("circle", {"HTTP full circle"}),
        (
            "flow",
            {"router, attribute", "router, pattern", "router, XPath", "splitter, parts", "splitter, join; parts"},
        ),
        (
            "edge",
            {
                "source -> sink",
                "source -> pass -> sink",
                "source -> sink, CURVE",
                "CURVE / in the clear",
                "frames alone",
                "five actors in a row",
                "source -> 8 sinks",
            },
        ),
    ],
)
def test_a_benchmark_has_its_figures(tmp_path: Path, name: str, shapes: set[str]) -> None:
    found = rows(tmp_path, name)
    assert {row["shape"] for row in found} == shapes
    assert all(math.isfinite(number) and number >= 0 for number in numbers(found))
    assert all(any(numbers(row)) for row in found)


def test_the_brokers_benchmark_compares_with_one_hop_and_with_itself(tmp_path: Path) -> None:
    found = rows(tmp_path, "mdp", "--seconds", "0.3", "--idle", "20")
    brokers = {row["broker"]: row["runs"] for row in found if "runs" in row}
    assert set(brokers) == {"zmq.proxy", "actorkit", "actorkit, 20 idle"}
    assert all(number > 0 for number in numbers(list(brokers.values())))
    compared = {(row["broker"], row["against"]) for row in found if "against" in row}
    assert compared == {("actorkit", "zmq.proxy"), ("actorkit, 20 idle", "actorkit")}


def test_the_benchmark_of_many_replicas_reaches_each_of_them(tmp_path: Path) -> None:
    found = rows(tmp_path, "replicas", "--most", "10")
    assert {(row["shape"], row["replicas"]) for row in found} == {
        (load, amount) for load in ("idle", "paced", "backlog") for amount in (1, 10)
    }
    assert all(row["connections"] == row["replicas"] for row in found)
    assert all(row["least_of_most"] > 0 for row in found if row["shape"] != "idle")


def test_a_topology_of_many_actors_makes_a_release_that_helm_can_keep(tmp_path: Path) -> None:
    needs.tool("helm")
    found = rows(tmp_path, "large", "--actors", "500")
    assert {row["shape"] for row in found} == {
        "kit --version",
        "kit validate",
        "kit render compose",
        "kit render helm",
        "helm template",
        "release secret",
    }
    assert found[-1]["kB"] < MOST_KB
