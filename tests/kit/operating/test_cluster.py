"""`kit send`, `tap`, `trace` and `top` on pods: what wants the token gets it by `kubectl exec`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.kit.deploying import kit, load_images

pytestmark = [pytest.mark.cluster, pytest.mark.docker, pytest.mark.timeout(900)]

NAME: Final = "operated-pods"
WHERE: Final = ("-d", NAME, "--target", "helm", "--namespace", NAME)

TOPOLOGY: Final = f"""\
name: {NAME}
actors:
  tick: {{uses: generator, params: {{interval_s: 0.2, data: tick}}}}
  check: {{uses: filter, params: {{when: {{at: data, regex: "."}}}}, replicas: 2}}
  out: {{uses: stdout}}
connections: [tick -> check -> out, "[check.error, out.error] -> out"]
clear: true
"""


def told(*arguments: str) -> Any:
    done = kit(*arguments, *WHERE, "-o", "json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def operated(tmp_path: Path) -> Iterator[None]:
    load = needs.cluster()
    needs.engine()
    topology = tmp_path / "topology.yaml"
    topology.write_text(TOPOLOGY)
    try:
        load_images(topology, load)
        done = kit("deploy", str(topology), "--target", "helm", "-n", NAME, "--timeout", "180")
        assert done.returncode == 0, done.stderr
        yield
    finally:
        command = [needs.tool("kubectl"), "delete", "namespace", NAME, "--ignore-not-found", "--timeout=120s"]
        subprocess.run(command, check=False)


@pytest.mark.usefixtures("operated")
def test_pods_are_looked_at_tapped_and_sent_to() -> None:
    sent = told("send", "check", "--data", "by hand", "--wait")
    assert (sent["finished"], sent["failures"]) == (True, [])
    assert [hop["actor"] for hop in told("trace", sent["trace"])["hops"]] == ["check", "out"]
    done = kit("tap", "check.out", "-n", "3", *WHERE, "-o", "json")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["body"]["text"] for one in shown] == ["tick"] * 3, done.stderr
    rates = told("top", "--once")
    rows = {row["actor"]: row for row in rates["actors"]}
    assert (rows["check"]["healthy"], rates["silent"]) == (2, [])
    assert 0 < rows["tick"]["out_per_s"] <= 20
