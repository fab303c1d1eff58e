"""Whatever stands in a document, or in a file, checking it ends with findings and never with an exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorkit_kit.plan.planner import make_plan
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import Document, parse

NAMES = st.sampled_from(["gen", "out", "web", "broker", "Bad_name", "", "x-mine"])
TEXTS = st.sampled_from(
    ["", "gen", "gen -> out", "out -> gen -> out", "[gen, out] -> web", "->", "a.b.c -> out", "stdout"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 70000), st.floats(allow_nan=False), TEXTS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=4
)
REFERENCES = st.fixed_dictionaries({}, optional={"file": VALUES, "secret": VALUES})
ACTORS = st.fixed_dictionaries(
    {
        "uses": st.sampled_from(["generator", "stdout", "http-server", "xslt", "actorkit_actors.flow.null:Null"])
        | VALUES
    },
    optional={
        "params": st.dictionaries(st.sampled_from(["routes", "stylesheet", "interval_s", "port"]), VALUES | REFERENCES),
        "replicas": VALUES,
        "expose": st.dictionaries(st.sampled_from(["http", "Bad"]), VALUES) | VALUES,
        "env": st.dictionaries(NAMES, VALUES, max_size=2),
        "resources": VALUES,
        "drain_timeout_s": VALUES,
        "colour": VALUES,
    },
)
CONNECTIONS = st.one_of(
    TEXTS,
    VALUES,
    st.fixed_dictionaries({"from": TEXTS | VALUES, "to": TEXTS}, optional={"window": VALUES, "key": VALUES}),
)
DOCUMENTS = st.fixed_dictionaries(
    {"name": st.just("t") | VALUES, "actors": st.dictionaries(NAMES, ACTORS | VALUES, max_size=3) | VALUES},
    optional={
        "connections": st.lists(CONNECTIONS, max_size=4) | VALUES,
        "broker": ACTORS | VALUES,
        "secrets": st.dictionaries(NAMES, REFERENCES | VALUES) | VALUES,
        "defaults": ACTORS | VALUES,
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("topology")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=DOCUMENTS | VALUES)
def test_any_document_gives_findings_or_a_plan(folder: Path, data: object) -> None:
    checked = check(Document("any", folder, data))
    for finding in checked.findings:
        assert "\n" not in str(finding)
    if not checked.findings:
        make_plan(checked)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t0.\x00é")))
def test_any_text_gives_findings(folder: Path, text: str) -> None:
    checked = check(parse(text, "any.yaml", folder))
    assert checked.findings
    for finding in checked.findings:
        assert "\n" not in str(finding)
