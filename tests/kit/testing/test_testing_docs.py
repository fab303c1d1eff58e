"""`docs/testing.md` tells the truth: its tests hold, its commands run, its tables have every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.conftest import Kit
from tests.kit.testing.testing_docs import DOCUMENT, rendered

TEXT = DOCUMENT.read_text()
TOPOLOGY, GOLDEN, FAKES, FILE = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line for part in re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE) for line in part.split("\n")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All the snippets; the topology has an actor more, which one of them asks."""
    (tmp_path / "topology.yaml").write_text(
        TOPOLOGY.replace("actors:\n", "actors:\n  ask: {uses: mdp-client, params: {service: stock}}\n").replace(
            "connections:\n", "connections:\n  - web -> ask -> web\n"
        )
    )
    (tmp_path / "greetings_test.yaml").write_text(FILE)
    (tmp_path / "fakes_test.yaml").write_text(FAKES)
    (tmp_path / "golden_test.yaml").write_text(GOLDEN)
    return tmp_path


def test_its_tables_are_those_of_the_shape() -> None:
    assert rendered(TEXT) == TEXT, "write docs/testing.md anew: python -m tests.kit.testing.testing_docs"


def test_its_tests_hold_and_its_commands_run(kit: Kit, folder: Path) -> None:
    commands = [command.split() for command in COMMANDS if command]
    assert [command[:2] for command in commands] == [["kit", "test"]] * 3
    plain, update, junit = [command[1:] for command in commands]
    done = kit(*plain, cwd=folder)
    assert done.returncode == 1  # The golden answer is not there yet.
    assert 'there is no file "' in done.stdout
    assert "1 failed, 6 passed" in done.stdout
    done = kit(*update, cwd=folder)
    assert f"wrote {folder / 'golden' / 'ada.json'}" in done.stdout
    assert (done.returncode, "7 passed" in done.stdout) == (0, True), done.stdout
    done = kit(*junit, cwd=folder)
    assert (done.returncode, "5 passed, 2 skipped" in done.stdout) == (0, True), done.stdout
    assert (folder / "results.xml").is_file()
