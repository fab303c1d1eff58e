"""The tables of `docs/testing.md`, made from the shape. `python -m tests.kit.testing.testing_docs` writes them."""

from __future__ import annotations

from actorkit_kit.topology import shape
from tests.doc_tables import with_parts
from tests.kit.topology.topology_docs import table
from tests.places import DOCS

DOCUMENT = DOCS / "testing.md"
PARTS = {"put": shape.PUT, "expect": shape.EXPECT, "reply": shape.REPLY, "test": shape.CASE}


def rendered(text: str) -> str:
    """The document with every table as it must be."""
    return with_parts(text, {name: table(keys) for name, keys in PARTS.items()})


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
