"""Whether what actors keep on a cluster has a volume, by what `kubectl` says of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deploy.storage import ends_with_its_pod
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from tests.places import ORDERS

#: Says what the file of the asked kind holds; without one, that it may not be asked.
KUBECTL = """\
#!/bin/sh
cat "$(dirname "$0")/$2.json" 2>/dev/null || { echo "Error: $2 is forbidden" >&2; exit 1; }
"""


def box(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app.kubernetes.io/component": "dead-letters"}}, "spec": spec}


@pytest.fixture
def plan() -> Plan:
    return load_plan(str(ORDERS), "helm")


@pytest.mark.parametrize(
    ("said", "ephemeral"),
    [
        ({"statefulsets": [], "storageclasses": [], "persistentvolumes": []}, True),
        ({"statefulsets": [], "storageclasses": [{}], "persistentvolumes": []}, False),
        ({"statefulsets": [], "storageclasses": [], "persistentvolumes": [{}]}, False),
        ({"statefulsets": []}, False),
        ({}, False),
        # What runs stays as it is: its claims cannot be changed.
        ({"statefulsets": [box(volumeClaimTemplates=[{}])], "storageclasses": [], "persistentvolumes": []}, False),
        ({"statefulsets": [box()], "storageclasses": [{}], "persistentvolumes": []}, True),
    ],
)
def test_only_a_cluster_that_says_it_has_no_storage_lets_letters_end_with_their_pod(
    said: dict[str, list[dict[str, Any]]],
    ephemeral: bool,
    plan: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    for kind, items in said.items():
        (tmp_path / f"{kind}.json").write_text(json.dumps({"items": items}))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert ends_with_its_pod(plan, Cluster()) == ephemeral


def test_a_topology_that_keeps_nothing_asks_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "topology.yaml").write_text("name: t\nactors: {gen: {uses: generator}}\nclear: true\n")
    monkeypatch.setenv("PATH", "")
    assert not ends_with_its_pod(load_plan(str(tmp_path), "helm"), Cluster())
