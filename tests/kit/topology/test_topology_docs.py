"""`docs/topology.md` tells the truth: its examples are good, and its tables have every key."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from actorkit.edge import wire
from actorkit.graph import Options
from actorkit.settings import SOURCE_WINDOW
from actorkit.transport import topology_keys
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.model import USER_VARIABLES
from tests.kit.topology.topology_docs import rendered
from tests.places import DOCS

DOCUMENT = (DOCS / "topology.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
CONNECTIONS = [
    line.split("`")[1]
    for line in DOCUMENT.splitlines()
    if line.startswith("| `") and (" -> " in line or "{from" in line)
]


def findings(text: str, folder: Path) -> list[str]:
    checked = check(parse(text, "topology.yaml", folder))
    return [str(finding) for finding in (*checked.findings, *checked.on_networks)]


def test_the_first_example_is_a_whole_topology_without_mistakes(shop: Path) -> None:
    assert EXAMPLES[0].startswith("# yaml-language-server")
    assert findings(EXAMPLES[0], shop) == []


def test_the_example_of_secrets_can_stand_in_a_topology(shop: Path) -> None:
    text = "name: t\nactors: {gen: {uses: generator}, out: {uses: stdout}}\nconnections: [gen -> out]\nclear: true\n"
    assert findings(text + EXAMPLES[1], shop) == []


def test_the_example_of_what_stands_beside_the_graph_can_stand_in_a_topology(shop: Path) -> None:
    (shop / "secrets" / "topology-keys").write_bytes(msgspec.json.encode(topology_keys.generate()))
    (example,) = (text for text in EXAMPLES if text.startswith("broker:"))
    actors = "actors: {gen: {uses: generator}, ask: {uses: mdp-client, params: {service: a}}}\n"
    text = f"name: t\n{actors}connections: [gen -> ask]\n"
    assert findings(text + example, shop) == []


@pytest.mark.parametrize("written", CONNECTIONS)
def test_every_way_to_write_a_connection_works(shop: Path, written: str) -> None:
    actors = {"gen": "generator", **dict.fromkeys(("web", "auth", "place", "left", "right", "out"), "stdout")}
    sections = "".join(f"  {name}: {{uses: {uses}}}\n" for name, uses in actors.items())
    text = f"name: t\nclear: true\nactors:\n{sections}connections:\n  - {written}\n"
    told = [line for line in findings(text, shop) if "nothing is connected" not in line and "in a circle" not in line]
    assert told == []


def test_the_tables_are_those_of_the_shape() -> None:
    assert rendered(DOCUMENT) == DOCUMENT, "write docs/topology.md anew: python -m tests.kit.topology.topology_docs"


def test_the_defaults_of_windows_are_told_as_they_are() -> None:
    assert f"| `window` | 1 to {wire.MAX_WINDOW}; default {Options().window} |" in DOCUMENT
    protocol = (DOCS / "protocol.md").read_text()
    assert f"(default {Options().window:,} events" in protocol
    assert f"(`ACTORKIT_SOURCE_WINDOW`, default {SOURCE_WINDOW:,} events" in protocol


def test_every_free_variable_is_told() -> None:
    for variable in USER_VARIABLES:
        assert f"`{variable}`" in DOCUMENT


def test_the_mistakes_that_are_shown_are_told_like_this(shop: Path) -> None:
    shown = DOCUMENT.partition("## Mistakes")[2].partition("```text\n")[2].partition("```")[0]
    messages = [line.split(": ", 1)[1] for line in shown.splitlines()]
    text = EXAMPLES[0].replace("{users: {secret", "{user: {secret").replace("to-order -> place", "to-odrer -> place")
    told = [line.split(": ", 1)[1] for line in findings(text, shop)]
    assert set(messages) <= set(told)
