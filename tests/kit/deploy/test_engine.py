"""How `docker compose` is called: on which files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit.deploy import engine
from tests import needs

COMPOSE = "services: {web: {image: one, networks: [data]}}\nnetworks: {data: {internal: true}}\n"
OVERRIDE = "services: {web: {networks: [out], volumes: ['./mine:/mine']}}\nnetworks: {out: {}}\n"


def service(folder: Path) -> dict[str, Any]:
    needs.tool("docker")
    found = json.loads(engine.run_compose(["config", "--format", "json"], project="h-engine", folder=folder))
    web: dict[str, Any] = found["services"]["web"]
    return web


@pytest.mark.parametrize("name", engine.OVERRIDES)
def test_an_override_beside_the_compose_file_is_laid_over_it(name: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    assert set(service(tmp_path)["networks"]) == {"data"}
    (tmp_path / name).write_text(OVERRIDE)
    web = service(tmp_path)
    assert set(web["networks"]) == {"data", "out"}
    assert web["volumes"][0]["source"] == str(tmp_path / "mine")


def test_a_variable_of_compose_does_not_lead_to_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "other.yaml").write_text(COMPOSE.replace("one", "two"))
    monkeypatch.setenv("COMPOSE_FILE", str(tmp_path / "other.yaml"))
    assert service(tmp_path)["image"] == "one"
