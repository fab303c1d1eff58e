"""How many instances Kubernetes runs: what an author may write, and who says how much work waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit.plan.model import Scaling, container_addresses, environment
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.model import Scale
from tests.kit.plans import plan_of

TOPOLOGY = """\
name: scaled
actors:
  gen: {uses: generator}
  other: {uses: generator}
  ask: {uses: mdp-client, params: {service: sums}}
  worker: {uses: mdp-worker, params: {service: sums, services: [more]}, scale: {max: 9, waiting: 5}}
  work: {uses: pass-through, scale: SCALE}
  sink: {uses: stdout}
connections:
  - gen -> work -> sink
  - other -> work
  - gen -> ask -> sink
  - worker -> work -> worker
clear: true
"""
BY_WORK = "{min: 0, max: 10, waiting: 100}"


def findings(scale: str, **changes: str) -> list[str]:
    text = TOPOLOGY.replace("SCALE", scale)
    for old, new in changes.items():
        text = text.replace(f"uses: {old.replace('_', '-')}", new)
    return [str(finding) for finding in check(parse(text, "topology.yaml", Path())).findings]


def test_the_work_of_an_actor_waits_with_all_that_send_to_it_and_that_of_a_worker_with_brokers(tmp_path: Path) -> None:
    plan = plan_of(TOPOLOGY.replace("SCALE", BY_WORK), tmp_path)
    upstreams = dict.fromkeys(("gen", "other", "worker"), ("work",))
    assert plan.unit("work").scaling == Scaling(0, 10, waiting=100, upstreams=upstreams)
    worker = plan.unit("worker").scaling
    assert worker == Scaling(1, 9, waiting=5, upstreams={"work": ("worker",), "broker": ("sums", "more")})
    assert (plan.unit("work").replicas, plan.unit("worker").replicas) == (1, 1)


def test_who_sends_to_an_actor_that_may_have_no_instance_is_ready_without_one(tmp_path: Path) -> None:
    plan = plan_of(TOPOLOGY.replace("SCALE", BY_WORK), tmp_path)
    addresses = container_addresses(lambda name: name)
    told = {unit.name: environment(plan, unit, addresses).get("ACTORKIT_MAY_BE_ABSENT") for unit in plan.units}
    assert {name for name, absent in told.items() if absent == "work"} == {"gen", "other", "worker"}
    always = plan_of(TOPOLOGY.replace("SCALE", "{max: 2, waiting: 1}"), tmp_path)
    assert always.absent == ()


def test_the_load_is_that_of_the_processors_which_one_instance_may_use(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("SCALE", "{min: 2, max: 3, cpu: 70}, resources: {cpus: 0.5}")
    unit = plan_of(text, tmp_path).unit("work")
    assert unit.scaling == Scaling(2, 3, cpu_millis=350)
    assert unit.replicas == 2


@pytest.mark.parametrize(
    ("scale", "complaint"),
    [
        ("{min: 0, waiting: 100}", 'scale: "max" is missing. Say how many there may be: max: 10.'),
        ("{max: 3}", "scale: give waiting: or cpu:, one of them"),
        ("{max: 3, waiting: 1, cpu: 70}", "scale: give waiting: or cpu:, one of them"),
        ("{min: 4, max: 3, waiting: 1}", "scale.min: 4 is more than max, 3. Write a smaller number."),
        ("{min: 0, max: 3, cpu: 70}", "scale.min: without an instance there is no load to look at."),
        ("{max: 3, cpu: 170}", "scale.cpu: 170 is out of range."),
        ("{max: 3, waiting: many}", "scale.waiting: this is a text, not a whole number."),
        ("{max: 3, wating: 1}", 'there is no key "wating" here. Did you mean "waiting"?'),
        ("{max: 3, waiting: 1}, replicas: 5", "replicas: 5 is not from 1 to 3, as scale says."),
        ("3", "this is a number, not a mapping."),
    ],
)
def test_a_mistake_is_told_with_what_to_do(scale: str, complaint: str) -> None:
    assert any(complaint in finding for finding in findings(scale)), findings(scale)


def test_what_keeps_files_and_what_nobody_sends_to_is_not_scaled_by_work() -> None:
    assert any(
        'nobody sends to "gen", so no work waits for it. Scale it by its load: cpu: 70.' in finding
        for finding in findings("{max: 2, cpu: 70}", generator="uses: generator, scale: {max: 2, waiting: 1}")
    )
    kept = findings("{max: 2, cpu: 70}", pass_through="uses: file-logger, params: {filename: x.log}")
    assert any('"work" keeps files, and an instance that goes would leave them behind.' in one for one in kept), kept


def test_a_scale_without_mistakes_is_read() -> None:
    checked = check(parse(TOPOLOGY.replace("SCALE", BY_WORK), "topology.yaml", Path()))
    assert checked.findings == ()
    assert checked.topology.actors["work"].scale == Scale(0, 10, waiting=100)
