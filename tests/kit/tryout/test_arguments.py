"""`name=value` on a command line is what a topology would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit.errors import UsageError
from actorkit_kit.tryout.arguments import read_values


def test_values_are_those_of_a_topology() -> None:
    given = ["limit_eur=10", "on=true", "routes=[{path: /a}]", "name=5", "greeting=a: b", "nothing="]
    assert read_values(given, ["name", "greeting"]) == {
        "limit_eur": 10,
        "on": True,
        "routes": [{"path": "/a"}],
        "name": "5",
        "greeting": "a: b",
        "nothing": None,
    }


def test_files_secrets_and_folders_are_those_of_this_folder() -> None:
    here = str(Path.cwd())
    assert read_values(["a=@a.xsl", "b={file: b.xsl}", "c={secret: users}", "d={folder: sheets}"], ["a"]) == {
        "a": {"file": f"{here}/a.xsl"},
        "b": {"file": f"{here}/b.xsl"},
        "c": {"file": f"{here}/secrets/users"},
        "d": {"folder": f"{here}/sheets"},
    }


@pytest.mark.parametrize(
    ("argument", "what"), [("limit", "Write it as name=value"), ("=5", "name=value"), ("a=[1", "a: this is not YAML")]
)
def test_what_cannot_be_read_is_told(argument: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        read_values([argument])
