"""What would change, in words and as a diff."""

from __future__ import annotations

import subprocess
from pathlib import Path

from actorkit_kit.deploy import preview
from tests import needs


def test_a_difference_is_told_by_its_path_and_both_values() -> None:
    before = {"resources": {"limits": {"memory": "128M", "cpus": "1"}}, "image": "a:1", "old": 1}
    after = {"resources": {"limits": {"memory": "256M", "cpus": "1"}}, "image": "a:1", "new": {"b": 2}}
    told = list(preview.differences(before, after))
    assert told == ["resources.limits.memory: 128M → 256M", "old is gone", "new is new"]


def test_things_with_names_are_compared_by_these() -> None:
    before = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    after = [{"name": "NEW", "value": "0"}, {"name": "A", "value": "1"}, {"name": "B", "value": "3"}]
    assert sorted(preview.differences({"env": before}, {"env": after})) == ["env.B.value: 2 → 3", "env.NEW is new"]


def test_a_long_value_and_a_list_are_told_by_their_paths_alone() -> None:
    before, after = {"text": "x" * 61, "list": [1, 2], "lines": "a\nb"}, {"text": "y", "list": [1], "lines": "a\nc"}
    assert list(preview.differences(before, after)) == ["text", "list", "lines"]


def test_the_diff_is_one_that_patch_takes(tmp_path: Path) -> None:
    before = {"kept": "1\n", "changed": "a\nb\n", "folder/gone": "x\n"}
    after = {"kept": "1\n", "changed": "a\nc\n", "folder/new": "y\nz\n"}
    (tmp_path / "folder").mkdir()
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    patch = preview.diff_of(before, after)
    subprocess.run([needs.tool("patch"), "-p1"], cwd=tmp_path, input=patch, text=True, check=True, capture_output=True)
    there = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == after
    assert preview.diff_of(after, after) == ""


def test_what_is_hidden_tells_whether_it_is_the_same_and_nothing_else() -> None:
    assert preview.hidden(b"secret") == preview.hidden(b"secret") != preview.hidden(b"Secret")
    assert "secret" not in preview.hidden(b"secret")
