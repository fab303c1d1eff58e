from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from actorkit_kit.plan.drawing import FORMATS, why_not_drawn
from tests.kit.plans import ORDERS, plan_of

SVG = "{http://www.w3.org/2000/svg}"


def test_mermaid_shows_every_unit_and_every_connection(shop: Path) -> None:
    assert FORMATS["mermaid"](plan_of(ORDERS, shop)) == (
        "flowchart LR\n"
        '    unit_web(["web<br/>http-server"])\n'
        '    unit_auth["auth<br/>basic-auth"]\n'
        '    unit_to_order["to-order<br/>xslt"]\n'
        '    unit_place["place<br/>mdp-client"]\n'
        '    unit_worker(["worker × 2<br/>mdp-worker"])\n'
        '    unit_execute["execute × 3<br/>Place"]\n'
        '    unit_broker{{"broker × 2"}}\n'
        "    unit_web --> unit_auth\n"
        "    unit_auth --> unit_to_order\n"
        '    unit_auth -.->|"error"| unit_web\n'
        "    unit_to_order --> unit_place\n"
        '    unit_to_order -.->|"error"| unit_web\n'
        "    unit_place --> unit_web\n"
        '    unit_place -.->|"error"| unit_web\n'
        '    unit_place <-.->|"orders"| unit_broker\n'
        "    unit_worker --> unit_execute\n"
        '    unit_worker <-.->|"orders"| unit_broker\n'
        "    unit_execute --> unit_worker\n"
    )


def test_dot_quotes_names_and_marks_reserved_outboxes(shop: Path) -> None:
    dot = FORMATS["dot"](plan_of(ORDERS, shop))
    assert dot.startswith('digraph "orders" {\n')
    assert '"to-order" -> "web" [style=dashed, label="error"];' in dot
    assert '"execute" [label="execute × 3\\nPlace", shape=box];' in dot
    assert dot.count("{") == dot.count("}")


def test_svg_is_laid_out_with_a_node_for_every_unit_and_a_line_for_every_connection(shop: Path) -> None:
    plan = plan_of(ORDERS, shop)
    root = ElementTree.fromstring(FORMATS["svg"](plan))
    kinds = [group.get("class") for group in root.iter(f"{SVG}g")]
    assert kinds.count("node") == len(plan.units)
    assert kinds.count("edge") == sum(len(unit.edges) + unit.uses_broker for unit in plan.units)
    titles = {text.text for text in root.iter(f"{SVG}title")}
    assert {"web", "to-order", "broker"} <= titles
    assert "execute × 3" in {text.text for text in root.iter(f"{SVG}text")}


def test_names_of_boxes_are_shown_only_where_they_do_not_follow_from_the_ends(shop: Path) -> None:
    text = (
        "name: t\nactors: {gen: {uses: generator}, out: {uses: stdout}, end: {uses: stdout}}\n"
        "connections: [gen -> out, gen -> out.in, gen.audit -> end, gen.a -> end.b]\n"
    )
    mermaid = FORMATS["mermaid"](plan_of(text, shop))
    assert "unit_gen --> unit_out\n" in mermaid
    assert 'unit_gen -->|"→ in"| unit_out' in mermaid
    assert 'unit_gen -->|"audit"| unit_end' in mermaid
    assert 'unit_gen -->|"a → b"| unit_end' in mermaid


def test_a_library_that_the_system_lacks_is_one_line_with_what_to_do() -> None:
    said = "ImportError: libgobject-2.0.so.0: cannot open shared object file: No such file or directory"
    assert why_not_drawn(said) == (
        "an SVG needs the system's libgobject-2.0.so.0, which is not here. "
        "Install it (on Debian: libglib2.0-0, libxrender1 and libxext6), or take --format mermaid or dot."
    )
