"""`kit chaos`: real processes, real signals, and a verdict that can be relied on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actorkit import Actor, Event, JSONEvent
from actorkit.testing import Harness
from actorkit_kit import python_process
from actorkit_kit.chaos import doses, network, poison, rig
from actorkit_kit.chaos.faults import FAULT_KINDS, Victim, schedule
from actorkit_kit.chaos.verdict import Verdict
from actorkit_kit.errors import UsageError
from actorkit_kit.load import load_plan
from actorkit_kit.plan.model import Plan
from tests.fleet import Process
from tests.kit.conftest import Kit
from tests.kit.plans import ORDERS, plan_of
from tests.needs import missing
from tests.places import ROOT
from tests.until import until

EXAMPLE = ROOT / "examples" / "chaos" / "topology.yaml"

#: An actor that treats the first events well, and then does something wrong: `{then}`.
CODE = """\
from actorkit import Actor, Event


class Place(Actor):
    def setup(self) -> None:
        self.seen = 0

    def consume(self, event: Event) -> Event | list[Event] | None:
        self.seen += 1
        if self.seen > 60:
            {then}
        return event
"""


class Place(Actor):
    def consume(self, event: JSONEvent) -> Event:
        return event


LINE = """\
name: line
actors:
  gen: {uses: generator}
  place: {uses: "shop.actors:Place", build: ./shop}
  out: {uses: stdout}
connections: [gen -> place -> out]
"""

#: Three passing actors one after the other, the one in the middle twice.
THREE = """\
name: three
actors:
  ticks: {{uses: generator, params: {{interval_s: 0.01, data: tick}}}}
  first: {{uses: "passing.actors:Pass", build: {build}}}
  second: {{uses: "passing.actors:Pass", build: {build}, replicas: 2}}
  third: {{uses: "passing.actors:Pass", build: {build}}}
  out: {{uses: "null"}}
connections: [ticks -> first -> second -> third -> out]
"""


def chaos(*arguments: str, timeout_s: float = 110.0) -> tuple[int, dict[str, Any], str]:
    """The exit status, the verdict, and what stands on stderr."""
    done = subprocess.run(
        [*python_process.command("actorkit_kit"), "chaos", *arguments, "-o", "json"],
        env=python_process.environ(extra={"NO_COLOR": "1"}),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def line(folder: Path, then: str) -> str:
    (folder / "shop" / "shop" / "actors.py").write_text(CODE.format(then=then))
    (folder / "topology.yaml").write_text(LINE)
    return str(folder)


def test_nothing_is_lost_and_nothing_comes_twice_whoever_is_killed_stopped_paused_or_scaled() -> None:
    faults = ["--kill", "12", "--stop", "3", "--pause", "1", "--pause-for", "4", "--scale", "2"]
    status, verdict, said = chaos(str(EXAMPLE), "--for", "12s", "--seed", "7", "--rate", "300", *faults)
    assert status == 0, said
    assert (verdict["lost"], verdict["duplicates"], verdict["failed"], verdict["unacknowledged"]) == (0, 0, 0, 0)
    assert verdict["faults"] == {"kill": 12, "stop": 3, "pause": 1, "scale": 2}
    assert verdict["copies"] == {"ticks": 2}
    assert verdict["received"] == 2 * verdict["sent"] > 2000
    assert verdict["restarts"] >= 12
    assert verdict["seed"] == 7
    assert 0 < verdict["stall_s"] < verdict["seconds"]
    assert verdict["unclean"] == []


def namespaces() -> set[str]:
    """The network namespaces of this machine that are ours."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return {path for path in (*mounted, *map(str, network.RUN.glob("kc*"))) if path.startswith(f"{network.RUN}/kc")}


def test_nothing_is_lost_when_instances_are_cut_off_from_the_network() -> None:
    if network.unable():
        missing(network.unable())
    before = namespaces()
    faults = ["--partition", "3", "--partition-for", "4", "--kill", "2"]
    status, verdict, said = chaos(str(EXAMPLE), "--for", "12s", "--seed", "3", *faults)
    assert status == 0, said
    assert (verdict["lost"], verdict["duplicates"]) == (0, 0)
    assert verdict["faults"] == {"kill": 2, "partition": 3}
    assert verdict["slowest_s"] > 2
    assert namespaces() <= before


def test_all_poison_is_given_up_and_nothing_else_is_lost_with_it() -> None:
    status, verdict, told = chaos(str(EXAMPLE), "--for", "6s", "--poison", "4", "--kill", "2", "--seed", "1")
    assert status == 0, told
    assert (verdict["poison"], verdict["given_up"], verdict["blamed"]) == (4, 4, 0)
    assert (verdict["lost"], verdict["duplicates"], verdict["failed"], verdict["unacknowledged"]) == (0, 0, 4, 0)
    assert verdict["restarts"] >= 8, "each ends at least two instances"


def test_poison_that_is_not_given_up_or_takes_others_with_it_is_a_mistake() -> None:
    fine = Verdict(1, 1.0, 9, {"a": 1}, 8, 0, 0, 1, 0, 0.1, 0.1, {}, 3, poison=1, given_up=1)
    assert fine.good
    assert not replace(fine, given_up=0).good
    assert not replace(fine, blamed=1).good


def test_poison_that_nobody_would_consume_or_that_is_too_much_is_told(shop: Path) -> None:
    text = "name: t\nactors: {gen: {uses: generator}, out: {uses: stdout}}\nconnections: [gen -> out]\n"
    made = rig.build(plan_of(text, shop), shop, 10, None)
    with pytest.raises(UsageError, match="--poison needs an actor between source and sink"):
        doses.give(made, {51: "exit"})
    with pytest.raises(UsageError, match="--poison 99 is more than 6 events"):
        doses.choose(1, 99, 50, 10)


def test_a_poisoned_class_consumes_what_the_class_consumes() -> None:
    cls = poison.poison_class(Place)
    assert (cls.input_class(), cls.Params) == (JSONEvent, Place.Params)
    harness = Harness(cls)
    harness.put(JSONEvent({"a": 1}))
    assert harness.taken()[0].data == {"a": 1}
    with pytest.raises(SystemExit):
        harness.put(JSONEvent({"a": 1}, attributes={poison.ATTRIBUTE: "SystemExit"}))


def test_nothing_comes_twice_at_full_rate_through_a_partition_of_six_seconds(tmp_path: Path) -> None:
    if network.unable():
        missing(network.unable())
    topology = tmp_path / "topology.yaml"
    topology.write_text(THREE.format(build=EXAMPLE.parent / "passing"))
    faults = ["--partition", "1", "--partition-for", "6", "--on", "second"]
    status, verdict, said = chaos(str(topology), "--for", "9s", "--seed", "3", "--rate", "30000", *faults)
    assert status == 0, said
    assert (verdict["lost"], verdict["duplicates"]) == (0, 0)
    assert verdict["faults"] == {"partition": 1}
    assert verdict["sent"] > 20_000


UNABLE = "--partition needs network namespaces: root, and the commands ip, unshare and nsenter."


def test_a_partition_needs_root_and_says_so() -> None:
    nobody = "import os; os.geteuid() or os.seteuid(65534)"
    code = f"from actorkit_kit.chaos import network; {nobody}; print(network.unable())"
    asked = subprocess.run(
        [sys.executable, "-c", code],
        env=python_process.environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (asked.stdout, asked.stderr) == (f"{UNABLE}\n", "")


def test_a_partition_needs_commands_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert network.unable() == UNABLE


def test_what_an_actor_loses_is_counted_and_told(shop: Path) -> None:
    status, verdict, said = chaos(line(shop, "return None"), "--for", "1s", "--kill", "0")
    assert status == 1
    assert verdict["good"] is False
    assert verdict["lost"] == verdict["sent"] - 60 > 0
    assert verdict["duplicates"] == 0
    assert "what the processes wrote is in" in said


def test_what_comes_twice_is_counted_and_told(shop: Path) -> None:
    status, verdict, _ = chaos(line(shop, "return [event, event]"), "--for", "1s", "--kill", "0")
    assert status == 1
    assert verdict["lost"] == 0
    assert verdict["duplicates"] == verdict["sent"] - 60 > 0


def test_an_event_that_fails_is_no_lost_one(shop: Path) -> None:
    status, verdict, said = chaos(line(shop, "raise ValueError('no')"), "--for", "1s", "--kill", "0")
    assert status == 0, said
    assert verdict["failed"] == verdict["sent"] - 60 > 0
    assert verdict["lost"] == 0


def test_a_sink_that_is_killed_may_see_events_twice_but_misses_none(shop: Path) -> None:
    status, verdict, said = chaos(line(shop, "pass"), "--for", "5s", "--kill", "4", "--on", "out", "--seed", "5")
    assert status == 0, said
    assert verdict["exactly_once"] is False
    assert verdict["lost"] == 0
    assert verdict["faults"] == {"kill": 4}


def test_a_source_and_a_sink_can_be_put_anywhere(shop: Path) -> None:
    topology = line(shop, "pass").rstrip("/") + "/topology.yaml"
    status, verdict, said = chaos(topology, "--for", "2s", "--kill", "2", "--from", "place", "--to", "place.copies")
    assert status == 0, said
    assert verdict["copies"] == {"chaos-source": 1}
    assert verdict["lost"] == 0


def test_events_that_the_topology_does_not_take_are_told_before_any_fault(shop: Path, kit: Kit) -> None:
    topology = line(shop, "pass")
    code = shop / "shop" / "shop" / "actors.py"
    code.write_text(code.read_text().replace("if self.seen > 60", "if event.text() != '<order/>'"))
    code.write_text(code.read_text().replace("pass", "raise ValueError('no order')"))
    done = kit("chaos", topology, "--for", "1s", "--kill", "0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "kit: 50 of 50 events failed before any fault. Give them a body that the topology takes: --body FILE."
    )
    (shop / "order.xml").write_text("<order/>")
    status, verdict, said = chaos(topology, "--for", "1s", "--kill", "1", "--body", str(shop / "order.xml"))
    assert status == 0, said
    assert verdict["failed"] == 0


def test_a_failure_on_the_way_is_no_loss_when_the_sink_hears_another_box(shop: Path, tmp_path: Path) -> None:
    made = rig.build(plan_of(ORDERS, shop), tmp_path, 100, None, ["auth"], ["to-order.copies"])
    heard = {str(edge) for unit in made.plan.units for edge in unit.edges if edge.destination == rig.SINK}
    assert heard == {
        "to-order.copies -> chaos-sink.to-order",
        "auth.error -> chaos-sink.error-auth",
        "to-order.error -> chaos-sink.error-to-order",
        "place.error -> chaos-sink.error-place",
    }


def test_nothing_is_left_behind_after_sigterm(tmp_path: Path) -> None:
    before = namespaces()
    faults = ["--partition", "1"] if not network.unable() else ["--kill", "1"]
    command = [*python_process.command("actorkit_kit"), "chaos", str(EXAMPLE), "--for", "60s", "--verbose", *faults]
    with Process(python_process.environ(), tmp_path / "log", command=command) as process:
        until(lambda: "faults begin" in process.said(), "the faults begin", 60)
        assert process.stop() == 143
        assert "what the processes wrote is in" in process.said()
    assert namespaces() <= before


def test_the_document_names_every_fault_and_every_figure(kit: Kit) -> None:
    document = (EXAMPLE.parents[2] / "docs" / "chaos.md").read_text()
    for kind in FAULT_KINDS:
        assert f"`--{kind} N`" in document
    figures = ("sent", "received", "duplicates", "lost", "failed", "unacknowledged", "longest stall", "slowest event")
    assert "`--poison N`" in document
    for figure in (*figures, "poison"):
        assert f"| {figure} |" in document
    said = kit("chaos", str(EXAMPLE), "--for", "1s", "--kill", "1", "--seed", "1").stdout
    assert [line[:15].strip() for line in said.splitlines()] == [*figures[:6], "faults", "longest stall", "verdict"]
    assert said.endswith("verdict         good\n")


VICTIMS = [
    Victim("a", 1, tuple(FAULT_KINDS)),
    Victim("a", 2, tuple(FAULT_KINDS)),
    Victim("out", 1, ("pause", "partition")),
]


def test_a_seed_gives_the_same_faults_again_and_another_seed_others() -> None:
    amounts = {"kill": 20, "pause": 5}
    first = schedule(1, 60, amounts, VICTIMS, {"pause": 5})  # type: ignore[arg-type]  # these are kinds
    assert first == schedule(1, 60, amounts, VICTIMS, {"pause": 5})  # type: ignore[arg-type]  # as above
    assert first != schedule(2, 60, amounts, VICTIMS, {"pause": 5})  # type: ignore[arg-type]  # as above
    assert [fault.at_s for fault in first] == sorted(fault.at_s for fault in first)
    assert max(fault.at_s for fault in first) < 60
    assert sum(fault.kind == "kill" for fault in first) == 20
    assert all(fault.victim.actor == "a" for fault in first if fault.kind == "kill")
    fewer = schedule(1, 60, {"kill": 20}, VICTIMS, {})
    assert fewer == [fault for fault in first if fault.kind == "kill"]


def example() -> Plan:
    return load_plan(str(EXAMPLE))


def test_the_source_stands_where_events_begin_and_the_sink_where_they_end(tmp_path: Path) -> None:
    made = rig.build(example(), tmp_path, 100, None)
    assert (made.sources, made.sinks) == (("ticks",), ("out",))
    assert made.plan.unit("ticks").class_path == "actorkit_kit.chaos.probes:Source"
    assert made.plan.unit("out").class_path == "actorkit_kit.chaos.probes:Sink"
    assert made.plan.unit("pass") == example().unit("pass")


def test_a_server_is_source_and_sink_in_one(shop: Path, tmp_path: Path) -> None:
    made = rig.build(plan_of(ORDERS, shop), tmp_path, 100, None)
    assert (made.sources, made.sinks) == (("web",), ("web",))
    web = made.plan.unit("web")
    assert (web.class_path, web.ports) == ("actorkit_kit.chaos.probes:Front", ())


@pytest.mark.parametrize(
    ("sources", "sinks", "said"),
    [
        (["pas"], [], 'no actor is named "pas". There are: ticks, pass, left, right, out.'),
        ([], ["Pass"], '"Pass" is not a box. Write actor or actor.box, each of '),
    ],
)
def test_a_box_that_is_not_there_is_told(tmp_path: Path, sources: list[str], sinks: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        rig.build(example(), tmp_path, 100, None, sources, sinks)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--for", "soon"), '"soon" is no time. Write it as 60s, 10m or 1h.'),
        (("--kill", "1", "--kill-every", "2"), "--kill and --kill-every say the same in two ways. Give one of them."),
        (("--on", "nobody"), 'no actor is named "nobody". There are: ticks, pass, left, right, out.'),
    ],
)
def test_what_cannot_be_meant_is_told(kit: Kit, arguments: tuple[str, ...], said: str) -> None:
    done = kit("chaos", str(EXAMPLE), *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
