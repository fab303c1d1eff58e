"""A topology of many actors: how long kit and helm take for it, how large its release is, how soon it is installed.

    python -m benchmarks.large [--runs 3] [--actors 500] [--install 40] [--json FILE]

The floor of what kit does is its start alone, `kit --version`. `--install N` also installs a topology of N actors; it
needs a cluster, a Docker Engine, and CLUSTER_LOAD as the tests do.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import itertools
import json
import os
import resource
import shlex
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests import needs

from actorkit_kit import python_process
from benchmarks import report

NAME: Final = "large"
NAMESPACE: Final = "actorkit-large"
SHEET: Final = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>\n'
#: A node of two processors takes the requests of forty such actors.
DEFAULTS: Final = "defaults: {resources: {cpus: 0.5}}"
#: Every so many-th actor has a file.
FILES: Final = 5


def topology(actors: int, folder: Path) -> Path:
    """The file of a topology: a source, and actors in a row behind it."""
    (folder / "a.xsl").write_text(SHEET)
    lines = [f"name: {NAME}", DEFAULTS, "actors:", "  source: {uses: generator, params: {interval_s: 5}}"]
    row = ["source"]
    for number in range(1, actors):
        row.append(f"actor-{number:03}")
        uses = "xslt, params: {stylesheet: {file: a.xsl}}" if number % FILES == 0 else "pass-through"
        lines.append(f"  {row[-1]}: {{uses: {uses}}}")
    lines += [
        "connections:",
        *(f"  - {sender} -> {to}" for sender, to in itertools.pairwise(row)),
        "clear: true",
    ]
    file = folder / "topology.yaml"
    file.write_text("\n".join(lines) + "\n")
    return file


def timed(*command: str) -> tuple[float, float, str]:
    """Wall-clock and CPU seconds of a command, and what it wrote."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=python_process.environ())
    taken, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"large: {shlex.join(command)}: {done.stderr or done.stdout}")
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def secret_bytes(chart: Path) -> int:
    """The size of the Secret in which helm keeps the release: JSON, compressed, and twice as base64."""
    *_, told = timed(needs.tool("helm"), "install", NAME, str(chart), "--dry-run=client", "--output", "json")
    return len(base64.b64encode(base64.b64encode(gzip.compress(told.encode(), 9))))


def rendered(actors: int, runs: int) -> report.Rows:
    """A row for each step without a cluster."""
    kit = python_process.command("actorkit_kit")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file, chart = topology(actors, folder), folder / "chart"
        steps = {
            "kit --version": [*kit, "--version"],
            "kit validate": [*kit, "validate", str(file)],
            "kit render compose": [*kit, "render", "compose", str(file), "-o", str(folder / "compose")],
            "kit render helm": [*kit, "render", "helm", str(file), "-o", str(chart)],
            "helm template": [needs.tool("helm"), "template", NAME, str(chart)],
        }
        figures: dict[str, list[tuple[float, float]]] = {step: [] for step in steps}
        for _ in range(runs):
            for step, command in steps.items():
                figures[step].append(timed(*command)[:2])
        rows = [_row(step, actors, found) for step, found in figures.items()]
        size = {"shape": "release secret", "actors": actors, "kB": round(secret_bytes(chart) / 1000)}
    print(f"{size['shape']:20} {size['kB']} kB", flush=True)
    return [*rows, size]


def _row(step: str, actors: int, found: list[tuple[float, float]]) -> dict[str, Any]:
    row = {
        "shape": step,
        "actors": actors,
        "wall_s": round(statistics.median(wall for wall, _ in found), 2),
        "cpu_s": round(statistics.median(cpu for _, cpu in found), 2),
    }
    print(f"{step:20} {row['wall_s']:.2f} s, {row['cpu_s']:.2f} s of CPU", flush=True)
    return row


def installed(actors: int) -> dict[str, Any]:
    """How long `helm install --wait` takes on a cluster whose node has the images."""
    load = shlex.split(os.environ.get(needs.CLUSTER_LOAD, ""))
    if not load:
        raise SystemExit(f"large: set {needs.CLUSTER_LOAD} to the command that loads an image into the cluster.")
    kit, helm = python_process.command("actorkit_kit"), needs.tool("helm")
    where = ("--namespace", NAMESPACE)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file, chart = topology(actors, folder), folder / "chart"
        for row in json.loads(timed(*kit, "build", str(file), "--output", "json")[2]):
            timed(*load, row["image"])
        timed(*kit, "render", "helm", str(file), "-o", str(chart))
        options = ("--create-namespace", "--set=storage.ephemeral=true", "--wait", "--timeout=300s")
        try:
            taken, *_ = timed(helm, "install", NAME, str(chart), *where, *options)
        finally:
            timed(needs.tool("kubectl"), "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s")
    print(
        f"{'helm install --wait':20} {taken:.1f} s until {actors} actors and their dead letters are ready", flush=True
    )
    return {"shape": "helm install --wait", "actors": actors, "wall_s": round(taken, 1)}


def main() -> None:
    """Measure, and write the rows as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="rounds; medians are shown")
    parser.add_argument("--actors", type=int, default=500, help="of the topology that is written")
    parser.add_argument("--install", type=int, default=0, metavar="N", help="actors of one that is installed as well")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    given = parser.parse_args()
    rows = rendered(given.actors, given.runs)
    if given.install:
        rows.append(installed(given.install))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
