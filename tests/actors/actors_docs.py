"""The table of docs/actors.md and the pages docs/actors/NAME.md, made from the actors themselves.

`python -m tests.actors.actors_docs` writes them anew. What stands below the generated part of a page is kept.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from actorkit import Actor
from actorkit.params import Parameter, parameters_of
from actorkit_actors.catalogue import CATALOGUE, Entry
from tests.actors import actor_examples
from tests.places import DOCS

DOCUMENT = DOCS / "actors.md"
BEGIN, END = "<!-- generated -->", "<!-- end -->"
COLUMNS = "| parameter | type | unit | default | meaning |\n| --- | --- | --- | --- | --- |"


def load(entry: Entry) -> type[Actor]:
    module, _, name = entry.class_path.partition(":")
    cls: type[Actor] = getattr(importlib.import_module(module), name)
    return cls


def page_of(entry: Entry) -> Path:
    return DOCS / "actors" / f"{entry.name}.md"


def overview() -> str:
    """A row for each actor, a table for each field."""
    fields = sorted({entry.class_path.split(".")[1] for entry in CATALOGUE.values()})
    return "\n\n".join(f"### {field}\n\n{_table_of(field)}" for field in fields)


def _table_of(field: str) -> str:
    rows = ["| name | takes | what it does |", "| --- | --- | --- |"]
    for entry in CATALOGUE.values():
        if entry.class_path.split(".")[1] == field:
            rows.append(f"| [`{entry.name}`](actors/{entry.name}.md) | {_takes(load(entry))} | {entry.summary} |")
    return "\n".join(rows)


def common() -> str:
    """The parameters that every actor has."""
    return "\n".join([COLUMNS, *map(_row, parameters_of(Actor.Params))])


def _takes(cls: type[Actor]) -> str:
    if cls.produces() and not cls.consumes():
        return "nothing: a source"
    if not cls.consumes():
        return "nothing: it stands beside the graph"
    if cls.ANSWERS:
        return "requests, and their answers"
    wanted = cls.input_class().__name__
    return {"Event": "any event", "XMLEvent": "XML", "JSONEvent": "JSON"}.get(wanted, f"`{wanted}`")


def generated(entry: Entry) -> str:
    """What a page says from the actor's file and its example alone."""
    cls = load(entry)
    text, failures = divided(inspect.getdoc(cls) or "")
    parts = [text, "\n".join(_facts(entry, cls))]
    parts += [f"## Failures\n\n{failures}"] if failures else []
    parts += [f"## Parameters\n\n{_parameters(cls)}", f"## Example\n\n{_example(entry.name)}"]
    return "\n\n".join(parts)


def divided(doc: str) -> tuple[str, str]:
    """The docstring without its failures, and these as a list."""
    text, _, failures = doc.partition("\nFailures:\n")
    failures, _, rest = failures.partition("\n\n")
    items = re.sub(r"\n {5,}", " ", "\n" + failures).strip().splitlines()
    listed = [re.sub(r"^ *(\w+)( \([^)]*\))?: ", r"* `\1`\2: ", item) for item in items]
    return "\n\n".join(part.strip() for part in (text, rest) if part.strip()), "\n".join(listed)


def _facts(entry: Entry, cls: type[Actor]) -> Iterator[str]:
    yield f"* class: `{entry.class_path}`"
    yield f"* takes: {_takes(cls)}"
    if cls.OUTBOXES:
        yield f"* outboxes of its own: {', '.join(f'`{name}`' for name in cls.OUTBOXES)}"
    for name, port in cls.LISTENS.items():
        yield f"* listens: port {port} (`{name}`)"
    for name, folder in cls.KEEPS.items():
        yield f"* keeps files: in `{folder}` (`{name}`)"
    if cls.USES_BROKER:
        where = f", with `{cls.USES_BROKER}`" if isinstance(cls.USES_BROKER, str) else ""
        yield f"* needs: a broker in the topology{where}"
    if entry.extra:
        yield f"* extra: `actorkit[{entry.extra}]`"
    if cls.SETTLES:
        yield f"* finished, at its border: {cls.SETTLES}"
    if cls.REPEATS:
        yield f"* a repeat does no harm, at its border: {cls.REPEATS}"


def _parameters(cls: type[Actor]) -> str:
    """Its own, and those of all actors that mean something of their own here."""
    every = parameters_of(Actor.Params)
    rows = [_row(parameter) for parameter in parameters_of(cls.Params) if parameter not in every]
    beside = "Beside [those of every actor](../actors.md#parameters-of-every-actor)"
    return "\n".join([f"{beside}:\n", COLUMNS, *rows]) if rows else f"{beside} none."


def _row(parameter: Parameter) -> str:
    type_ = re.sub(r"[\w.]+\.(\w+)", r"\1", parameter.type).replace("|", "\\|")
    default = "required" if parameter.default is None else f"`{parameter.default}`"
    meaning = parameter.description + ("; secret" if parameter.secret else "")
    escaped = meaning.replace("|", "\\|")
    return f"| `{parameter.name}` | {type_} | {parameter.unit} | {default} | {escaped} |"


def _example(name: str) -> str:
    example = actor_examples.read(name)
    return f"`kit run docs/actors/{name}.yaml`:\n\n```yaml\n{example.text.rstrip()}\n```"


def rendered_page(entry: Entry) -> str:
    """The page as it must be."""
    path = page_of(entry)
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    return f"# {entry.name}\n\n{BEGIN}\n\n{generated(entry)}\n\n{END}\n{there.partition(END + chr(10))[2]}"


def rendered(text: str) -> str:
    """docs/actors.md with its generated parts as they must be.

    Raises:
        ValueError: the document lacks a part.
    """
    for name, part in {"overview": overview(), "common": common()}.items():
        begin = f"<!-- generated: {name} -->"
        before, found, after = text.partition(begin)
        _, closed, rest = after.partition(END)
        if not found or not closed:
            raise ValueError(f"docs/actors.md has no part {begin} … {END}")
        text = f"{before}{begin}\n\n{part}\n\n{END}{rest}"
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    for each in CATALOGUE.values():
        page_of(each).write_text(rendered_page(each), encoding="utf-8")
