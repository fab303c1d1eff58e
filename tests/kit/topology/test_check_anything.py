"""Whatever stands in a document, a file or a Director: findings, or a plan for every target, and no exception."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actorkit.settings import read as read_settings
from actorkit_kit.classes.plain_document import PlainDocument
from actorkit_kit.errors import KitError
from actorkit_kit.local.processes import Local
from actorkit_kit.plan import drawing
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.render import compose, helm
from actorkit_kit.topology.check import Checked, check
from actorkit_kit.topology.document import Document, parse
from tests.kit.plans import ORDERS

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


def carry_out(checked: Checked) -> None:
    """Do with a topology without mistakes what the verbs do: draw it, and write it down for each target."""
    if checked.findings:
        return
    plan = make_plan(checked)
    for draw in (drawing.mermaid, drawing.dot):
        draw(plan).encode()
    for render in (compose.render, helm.render):
        with suppress(KitError):  # one line for what this target cannot have
            for content in render(plan).values():
                content if isinstance(content, bytes) else content.encode()
    with tempfile.TemporaryDirectory() as folder, suppress(KitError):
        for process in Local(plan, Path(folder)).processes():
            read_settings(process.environ)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=DOCUMENTS | VALUES)
def test_any_document_gives_findings_or_a_plan(folder: Path, data: object) -> None:
    checked = check(Document("any", folder, data))
    for finding in checked.findings:
        assert "\n" not in str(finding)
    carry_out(checked)


#: What a text may have that is rare in a topology, and that a reader may not expect.
ODD = st.sampled_from(
    [
        *"\0\x1b\x85\u2028\ufeff😀\t",
        "9" * 5_000,
        "0x" + "f" * 400,
        "-1e400",
        ".nan",
        "!!int x",
        "!!float x",
        "!!bool x",
        "!!set {a}",
        "!!binary =",
        "!!timestamp x",
        "!x y",
        "&a",
        "*a",
        "<<: *a",
        "? [x]",
        "--- ",
        "%YAML 9.9",
        '"\\ud83d\\ude00"',
        '"\\ud83d"',
        '"\\0"',
        '"\\UFFFFFFFF"',
        '"\\xZZ"',
        "[" * 300,
        "{a: " * 300,
        "- " * 300,
        "? " * 300,
    ]
)
MUTATIONS = st.lists(
    st.tuples(st.integers(0, len(ORDERS)), st.integers(0, 12), st.one_of(ODD, st.text(max_size=3))),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutations=MUTATIONS)
@example(mutations=[(ORDERS.index("replicas: 2") + 10, 1, "9" * 5_000)])
@example(mutations=[(ORDERS.index("{ZONE: a}") + 7, 1, '"\\ud83d\\ude00"')])
@example(mutations=[(ORDERS.index("{ZONE: a}") + 7, 1, '"\\0"')])
def test_a_topology_in_which_something_odd_is_written_gives_findings_or_a_plan(
    folder: Path, mutations: list[tuple[int, int, str]]
) -> None:
    text = ORDERS
    for position, length, odd in mutations:
        text = text[:position] + odd + text[position + length :]
    checked = check(parse(text, "any.yaml", folder))
    for finding in checked.findings:
        assert str(finding).isprintable()
        str(finding).encode()
    carry_out(checked)


#: What a program may put into its parameters, and no file can.
PYTHON = st.recursive(
    st.one_of(
        VALUES,
        st.sampled_from([float("nan"), float("inf"), 10**400, -(2**63), b"\xff", {1, 2}, Path("x"), object(), print]),
        st.sampled_from(["\ud83d", "a\0b", "x" * 200_000, HealthCheck.too_slow, Path, 1j, range(3)]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.tuples(inner),
        st.dictionaries(st.sampled_from([1, "1", None, True, 1.5, ("a",), "\ud83d", "a"]), inner, max_size=3),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=PYTHON)
def test_whatever_a_director_holds_gives_findings_or_a_plan(folder: Path, data: object) -> None:
    generator = {"uses": "generator", "params": {"count": 1, "data": data}}
    plain = PlainDocument(
        {"name": "t", "actors": {"gen": generator, "out": {"uses": "stdout"}}, "connections": ["gen -> out"]}
    )
    mistakes = tuple((location, (0, 0), message) for location, message in plain.mistakes)
    checked = check(Document("any", folder, plain.content, mistakes=mistakes))
    for finding in checked.findings:
        assert str(finding).isprintable()
    carry_out(checked)


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t0.\x00é")))
def test_any_text_gives_findings(folder: Path, text: str) -> None:
    checked = check(parse(text, "any.yaml", folder))
    assert checked.findings
    for finding in checked.findings:
        assert "\n" not in str(finding)


def test_a_number_of_a_director_that_has_no_text_is_a_mistake() -> None:
    plain = PlainDocument({"a": [10**5000, 7]})
    assert plain.content == {"a": [None, 7]}
    assert [location for location, _ in plain.mistakes] == [("a", 0)]
