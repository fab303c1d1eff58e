"""The dead-letter box of a topology: there by itself where events can fail that nobody else takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit.edge.peers import Peers
from actorkit_kit.plan.model import Plan, container_addresses, environment
from actorkit_kit.plan.planner import make_plan, stop_waves
from actorkit_kit.topology.check import check, check_all
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.model import ON_NETWORKS

GRAPH = """\
name: t
actors:
  gen: {uses: generator}
  place: {uses: data, params: {data: x}}
  out: {uses: stdout}
connections:
  - gen -> place
  - {from: place, to: out, key: data/customer}
clear: true
"""


def planned(text: str, base: Path, target: str = "compose") -> Plan:
    checked = check(parse(text, "topology.yaml", base), target)
    assert checked.findings == ()
    return make_plan(checked)


def variables(plan: Plan, actor: str) -> dict[str, str]:
    return environment(plan, plan.unit(actor), container_addresses(lambda name: name))


@pytest.mark.parametrize("target", ON_NETWORKS)
def test_who_can_fail_without_an_error_connection_sends_its_letters_to_the_box(tmp_path: Path, target: str) -> None:
    plan = planned(GRAPH, tmp_path, target)
    (box,) = plan.of_kind("dead-letters")
    assert (box.name, box.replicas, box.receives, box.serves, box.begins) == ("dead-letters", 1, True, False, False)
    for name, leads in (("place", True), ("out", True), ("gen", False)):
        found = variables(plan, name)
        assert found.get("ACTORKIT_OUTBOX_DEAD_LETTERS") == (f"tcp://dead-letters:5550#{name}" if leads else None)
        assert "ACTORKIT_DEAD_LETTERS" not in found
    assert plan.reaches(box) == ("out", "place"), "letters are sent again from there"
    assert stop_waves(plan)[-1] == ("dead-letters",), "it stops when nobody is left who could fail"


def test_the_box_knows_each_inbox_and_what_keeps_its_events_together(tmp_path: Path) -> None:
    found = variables(planned(GRAPH, tmp_path), "dead-letters")
    inboxes = [entry.partition("=")[::2] for entry in found["ACTORKIT_INBOXES"].split()]
    assert [(actor, Peers.parse(peers).inbox) for actor, peers in inboxes] == [("out", "place"), ("place", "gen")]
    assert Peers.parse(inboxes[0][1]).options.key == "data/customer"
    assert found["ACTORKIT_DEAD_LETTERS"] == "/var/lib/actorkit/data"


def test_who_sends_what_fails_elsewhere_has_no_letters(tmp_path: Path) -> None:
    text = GRAPH.replace("clear: true", "  - place.error -> out\nclear: true")
    plan = planned(text, tmp_path)
    assert "ACTORKIT_OUTBOX_DEAD_LETTERS" not in variables(plan, "place")
    assert "ACTORKIT_OUTBOX_DEAD_LETTERS" in variables(plan, "out")


def test_a_topology_in_which_nothing_becomes_a_letter_has_no_box(tmp_path: Path) -> None:
    text = GRAPH.replace("clear: true", '  - "[place.error, out.error] -> out"\nclear: true')
    assert planned(text, tmp_path).of_kind("dead-letters") == ()


def test_kit_run_has_no_box_and_passes_its_section_over(tmp_path: Path) -> None:
    assert planned(GRAPH + "dead-letters: {params: {keep_days: 3}}\n", tmp_path, "local").of_kind("dead-letters") == ()


def test_its_section_sets_its_parameters_in_each_target(tmp_path: Path) -> None:
    text = GRAPH + "dead-letters: {params: {keep_days: 3}, resources: {memory_mb: 64}}\n"
    text += "targets: {helm: {dead-letters: {params: {keep_days: 90}}}}\n"
    for target, days in (("compose", 3), ("helm", 90)):
        box = planned(text, tmp_path, target).unit("dead-letters")
        assert (box.params["keep_days"], box.memory_mb) == (days, 64)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("clear: true", "clear: true\ndead-letters: {params: {max_bytes: 1}}", "dead-letters.params.max_bytes: "),
        ("clear: true", "clear: true\ndead-letters: {replicas: 2}", "dead-letters.replicas: "),
        ("  out:", "  dead-letters: {uses: stdout}\n  out:", "is the dead-letter box's own. Choose another."),
        (
            "  out:",
            "  one: {uses: dead-letters}\n  two: {uses: dead-letters}\n  out:",
            '"two" is a second dead-letter box. A topology has one: remove this.',
        ),
        ("gen -> place", "gen -> place\n  - place.dead-letters -> out", 'the outbox "dead-letters" leads to the'),
    ],
)
def test_what_cannot_be_meant_is_found(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = [str(finding) for finding in check_all(parse(GRAPH.replace(old, new, 1), "topology.yaml", tmp_path))]
    assert len([one for one in found if said in one]) == 1, found
