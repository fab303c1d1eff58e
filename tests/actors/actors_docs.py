"""The tables of `docs/actors.md`, made from the catalogue. `python -m tests.actors.actors_docs` writes them anew."""

from __future__ import annotations

import importlib
import inspect
import re

from actorkit import Actor
from actorkit.params import Parameter, parameters_of
from actorkit_actors.catalogue import CATALOGUE, Entry
from tests.places import DOCS

DOCUMENT = DOCS / "actors.md"


def load(entry: Entry) -> type[Actor]:
    module, _, name = entry.class_path.partition(":")
    cls: type[Actor] = getattr(importlib.import_module(module), name)
    return cls


def overview() -> str:
    """A row for each actor."""
    rows = ["| name | takes | what it does |", "| --- | --- | --- |"]
    for entry in CATALOGUE.values():
        rows.append(f"| [`{entry.name}`](#{entry.name}) | {_takes(load(entry))} | {entry.summary} |")
    return "\n".join(rows)


def _takes(cls: type[Actor]) -> str:
    if cls.produces():
        return "nothing: a source"
    if not cls.consumes():
        return "nothing: it stands beside the graph"
    if cls.ANSWERS:
        return "requests, and their answers"
    return {"Event": "any event", "XMLEvent": "XML", "JSONEvent": "JSON"}[cls.input_class().__name__]


def section(entry: Entry) -> str:
    """What the class says about itself, and its parameters."""
    cls = load(entry)
    rows = ["| parameter | type | default | meaning |", "| --- | --- | --- | --- |"]
    common = parameters_of(Actor.Params)
    for parameter in parameters_of(cls.Params):
        if parameter not in common:  # its own, or one of all actors' that means something of its own here
            rows.append(_row(parameter))
    table = "\n".join(rows) if len(rows) > 2 else "No parameters of its own."
    return f"{inspect.getdoc(cls)}\n\n{table}"


def common() -> str:
    """The parameters that every actor has."""
    rows = ["| parameter | type | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([*rows, *map(_row, parameters_of(Actor.Params))])


def _row(parameter: Parameter) -> str:
    type_ = re.sub(r"[\w.]+\.(\w+)", r"\1", parameter.type).replace("|", "\\|")
    default = "required" if parameter.default is None else f"`{parameter.default}`"
    notes = [parameter.description]
    if parameter.unit:
        notes.append(f"in {parameter.unit}")
    if parameter.secret:
        notes.append("secret")
    meaning = "; ".join(notes).replace("|", "\\|")
    return f"| `{parameter.name}` | {type_} | {default} | {meaning} |"


def parts() -> dict[str, str]:
    """Marker → text between it and its end."""
    found = {"overview": overview(), "common": common()}
    found.update({entry.name: section(entry) for entry in CATALOGUE.values()})
    return found


def rendered(text: str) -> str:
    """The document with every generated part as it must be.

    Raises:
        ValueError: the document lacks a part.
    """
    for name, part in parts().items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        before, found, after = text.partition(begin)
        _, closed, rest = after.partition(end)
        if not found or not closed:
            raise ValueError(f"docs/actors.md has no part {begin} … {end}")
        text = f"{before}{begin}\n\n{part}\n\n{end}{rest}"
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
