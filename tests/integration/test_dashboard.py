"""Every query of the dashboard, asked of the Prometheus of a deployment: each finds a series."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.integration import shop
from tests.kit.deploying import kit
from tests.kit.render.test_dashboard import queries
from tests.ports import free_port
from tests.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

NAME: Final = "dashboard-test"
TOPOLOGY: Final = """\
name: dashboard-test
actors:
  web:
    uses: http-server
    params: {{routes: [{{path: "/<queue>", methods: [POST]}}]}}
    expose: {{http: {port}}}
  place: {{uses: mdp-client, params: {{service: echoes}}}}
  worker: {{uses: mdp-worker, params: {{service: echoes}}}}
  echo: {{uses: pass-through}}
  source: {{uses: generator, params: {{interval_s: 0.5}}}}
  broken: {{uses: xslt, params: {{stylesheet: {{file: a.xsl}}}}}}
connections:
  - web -> place -> web
  - worker -> echo -> worker
  - source -> broken
broker: {{}}
clear: true
"""
SHEET: Final = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>\n'


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """The folder of a deployment, and the URLs of its front and its Prometheus."""
    needs.engine()
    needs.image("prom/prometheus:v3.5.0", otherwise="prom/prometheus:v3")
    folder = tmp_path_factory.mktemp("dashboard")
    (folder / "a.xsl").write_text(SHEET)
    (folder / "topology.yaml").write_text(TOPOLOGY.format(port=free_port()))
    try:
        done = kit("deploy", str(folder), "-o", "json")
        assert done.returncode == 0, done.stderr
        urls = {row["actor"]: row["urls"] for row in json.loads(done.stdout)["actors"]}
        yield folder / ".kit" / NAME, urls["web"][0], urls["prometheus"][0]
    finally:
        kit("down", NAME, "--volumes")


def without_series(prometheus: str, asked: list[str]) -> list[str]:
    """The queries that find nothing, or nothing but what is no number."""
    return [expr for expr in asked if not any(_is_number(one) for one in shop.ask(prometheus, expr))]


def _is_number(series: dict[str, Any]) -> bool:
    return not math.isnan(float(series["value"][1]))


def test_every_query_of_the_dashboard_finds_a_series(deployed: tuple[Path, str, str]) -> None:
    folder, front, prometheus = deployed
    asked = queries((folder / "grafana" / "dashboard.json").read_text())
    assert len(asked) > 30

    def is_complete() -> bool:
        # Rates want traffic: an answer, and in the queue of the source events that no stylesheet takes.
        request = urllib.request.Request(f"{front}/place", data=b"hello", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        missing[:] = without_series(prometheus, asked)
        return not missing

    missing: list[str] = []
    try:
        until(is_complete, "every query finds a series", timeout_s=120, pause_s=1)
    except AssertionError as exc:
        raise AssertionError(f"{exc}: {missing}") from exc
