"""What judges of manifests say of unedited output: nothing but what docs/kubernetes.md argues, by its rule's id."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit.render import compose, folder, helm
from tests import needs
from tests.kit.render.goldens import orders
from tests.places import DOCS

_RULE: Final = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What helm makes of the orders example, in a namespace."""
    where = tmp_path_factory.mktemp("judged")
    folder.write(helm.render(orders()), where / "chart", helm.PRIVATE)
    command = [needs.tool("helm"), "template", "orders", str(where / "chart"), "--namespace", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (where / "orders.yaml").write_text(done.stdout)
    return where / "orders.yaml"


def argued(judge: str) -> set[str]:
    """The rules of a judge that the document argues, in the rows of its table."""
    rows = [line for line in (DOCS / "kubernetes.md").read_text().splitlines() if line.startswith(f"| {judge} |")]
    return {rule for row in rows for rule in _RULE.findall(row.split("|")[2])}


def checkov(manifests: Path) -> set[str]:
    arguments = ("--framework", "kubernetes", "--output", "json", "--quiet", "--skip-download")
    told = json.loads(_output(needs.judge("checkov"), "--file", str(manifests), *arguments))
    assert told["summary"]["passed"] > 500
    return {check["check_id"] for check in told["results"]["failed_checks"]}


def kube_score(manifests: Path) -> set[str]:
    told: list[dict[str, Any]] = json.loads(
        _output(needs.judge("kube-score"), "score", "--output-format", "json", str(manifests))
    )
    checks = [check for one in told for check in one["checks"] if not check["skipped"]]
    assert len(checks) > 50
    return {check["check"]["id"] for check in checks if check["grade"] < ALL_OK}


#: Grade of kube-score for what it has nothing to say against.
ALL_OK: Final = 10


def yamllint(manifests: Path) -> set[str]:
    """Of the manifests, and of all that is rendered as YAML."""
    rendered = manifests.parent / "rendered"
    folder.write(compose.render(orders()), rendered, compose.PRIVATE)
    files = [*rendered.rglob("*.y*ml"), *(manifests.parent / "chart").glob("*.yaml"), manifests]
    told = _output(sys.executable, "-m", "yamllint", "--format", "parsable", *map(str, files))
    return {line.rpartition("(")[2].rstrip(")") for line in told.splitlines()}


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("judge", [checkov, kube_score, yamllint], ids=lambda judge: judge.__name__)
def test_a_judge_finds_nothing_but_what_is_argued(judge: Callable[[Path], set[str]], manifests: Path) -> None:
    assert judge(manifests) == argued(judge.__name__.replace("_", "-"))
