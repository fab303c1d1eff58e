"""Where the console draws what."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import msgspec
import pytest

from actorkit.console.plan import GraphPlan
from actorkit_kit.plan.picture import MOST_DRAWN, picture
from tests.kit.plans import ORDERS, plan_of

POINT = re.compile(r"(-?[\d.]+),(-?[\d.]+)")


def made(base: Path, text: str = ORDERS) -> GraphPlan:
    return msgspec.json.decode(
        picture(plan_of(text, base), admin=lambda unit: [f"{unit.name}:9600"], letters=lambda _unit: "box"),
        type=GraphPlan,
    )


def test_every_actor_and_every_line_has_its_place_in_the_picture(shop: Path) -> None:
    plan = made(shop)
    width, height = plan.size
    boxes = {actor.name: actor.at for actor in plan.actors if actor.at is not None}
    assert boxes.keys() == {"web", "auth", "to-order", "place", "worker", "execute", "broker"}
    for x, y, wide, high in boxes.values():
        assert wide / 2 - 1 <= x <= width - wide / 2 + 1
        assert high / 2 - 1 <= y <= height - high / 2 + 1
    assert plan.lines
    for line in plan.lines:
        points = [(float(x), float(y)) for x, y in POINT.findall(line.way)]
        for (x, y), end in ((points[0], line.source), (points[-1], line.destination)):
            at = boxes[end]
            assert abs(x - at[0]) <= at[2] / 2 + 6, f"{line.source} -> {line.destination} ends at {end}"
            assert abs(y - at[1]) <= at[3] / 2 + 6, f"{line.source} -> {line.destination} ends at {end}"


def test_no_box_covers_another_one_or_the_numbers_of_a_line(shop: Path) -> None:
    plan = made(shop)
    boxes = [actor.at for actor in plan.actors if actor.at is not None]
    for one, other in itertools.combinations(boxes, 2):
        assert abs(one[0] - other[0]) >= (one[2] + other[2]) / 2 or abs(one[1] - other[1]) >= (one[3] + other[3]) / 2
    for line in plan.lines:
        x, y = line.at
        if line.style != "broker":
            assert not any(abs(x - box[0]) < box[2] / 2 and abs(y - box[1]) < box[3] / 2 for box in boxes)


def test_a_line_knows_its_boxes_or_the_service_that_it_is_for(shop: Path) -> None:
    lines = {(line.source, line.destination): line for line in made(shop).lines}
    assert (lines["web", "auth"].outbox, lines["web", "auth"].inbox) == ("auth", "web")
    assert lines["auth", "web"].style == "reserved"
    assert (lines["place", "broker"].service, lines["place", "broker"].style) == ("orders", "broker")


FAN_OUT = """\
name: copies
actors:
  gen: {uses: generator, params: {interval_s: 1, data: tick}}
  a: {uses: stdout}
  b: {uses: stdout}
connections:
  - gen.copies -> a
  - gen.copies -> b
  - gen -> a
"""


def test_lines_of_one_outbox_are_told_apart_from_one_that_is_alone_there(tmp_path: Path) -> None:
    plan = made(tmp_path, FAN_OUT)
    assert [(line.outbox, line.alone) for line in plan.lines] == [("copies", False), ("copies", False), ("a", True)]


def test_what_is_asked_for_an_actor_is_told(shop: Path) -> None:
    (web,) = [actor for actor in made(shop).actors if actor.name == "web"]
    assert (web.admin, web.letters, web.uses, web.begins) == (("web:9600",), "box", "http-server", True)


def test_a_graph_that_is_too_large_to_be_seen_is_a_table(tmp_path: Path) -> None:
    actors = "".join(f"  a{n}: {{uses: stdout}}\n" for n in range(MOST_DRAWN))
    edges = "".join(f"  - gen -> a{n}\n" for n in range(MOST_DRAWN))
    gen = "  gen: {uses: generator, params: {interval_s: 1, data: tick}}\n"
    plan = made(tmp_path, f"name: large\nactors:\n{gen}{actors}connections:\n{edges}")
    assert plan.no_picture == "it has 251 actors, and no more than 250 are drawn. Here they are as a table."
    assert len(plan.lines) == MOST_DRAWN


def test_without_graphviz_there_is_a_table_and_a_reason(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its system's libraries may be missing; here a module of that name in its place says so."""
    broken = shop / "broken"
    broken.mkdir()
    reason = "libXrender.so.1: cannot open shared object file: No such file or directory"
    (broken / "pygraphviz.py").write_text(f"raise ImportError({reason!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    plan = made(shop)
    assert plan.no_picture.startswith("an SVG needs the system's libXrender.so.1, which is not here. Install it")
    assert [actor.at for actor in plan.actors] == [None] * 7
    assert len(plan.lines) > 5
