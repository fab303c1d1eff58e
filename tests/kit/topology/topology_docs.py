"""The tables of `docs/topology.md`, made from the shape. `python -m tests.kit.topology.topology_docs` writes them."""

from __future__ import annotations

from actorkit_actors.catalogue import SERVERS
from actorkit_kit.topology import shape
from actorkit_kit.topology.kinds import Keys
from tests.doc_tables import with_parts
from tests.places import DOCS

DOCUMENT = DOCS / "topology.md"


def table(keys: Keys) -> str:
    """A row for each key: its name, what it may hold, what it means."""
    rows = ["| key | value | meaning |", "| --- | --- | --- |"]
    for key in keys.keys:
        words = "mapping" if key.name in SERVERS else key.kind.words
        rows.append(f"| `{key.name}` | {words}{'; required' if key.required else ''} | {key.meaning} |")
    return "\n".join(rows)


def sections() -> str:
    """A row for each section that is short for one actor."""
    rows = ["| section | short for | keys |", "| --- | --- | --- |"]
    for kind, entry in SERVERS.items():
        keys = ", ".join(f"`{key.name}`" for key in shape.SERVER[entry.kind].keys)
        rows.append(f"| `{kind}: {{…}}` | `{kind}: {{uses: {entry.name}, …}}` | {keys} |")
    return "\n".join(rows)


def rendered(text: str) -> str:
    """The document with every table as it must be."""
    parts = {
        "topology": table(shape.TOPOLOGY),
        "actor": table(shape.ACTOR),
        "connection": table(shape.CONNECTION),
        "sections": sections(),
    }
    return with_parts(text, parts)


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
