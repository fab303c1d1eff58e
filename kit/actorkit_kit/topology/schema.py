"""The JSON schema of the topology file: editors complete and check with it while an author writes.

It knows shapes, the names of actors and their parameters, also of those that installed packages publish. Only `check`
finds what needs other files, or the graph.
"""

from __future__ import annotations

import json
from typing import Any, Final

from actorkit_actors.catalogue import SERVERS, Entry
from actorkit_kit.classes import known, lookup, params_schema
from actorkit_kit.classes.actor_class import class_of
from actorkit_kit.topology import shape

#: The dialect of JSON schema that editors know best.
DIALECT: Final = "http://json-schema.org/draft-07/schema#"


def schema() -> dict[str, Any]:
    """The whole schema."""
    topology = shape.TOPOLOGY.schema()
    servers = {kind: {"$ref": f"#/definitions/section-{kind}"} for kind in SERVERS}
    topology["properties"] |= servers
    for target in topology["properties"][shape.TARGETS.name]["properties"].values():
        target["properties"] |= servers
    return {
        "$schema": DIALECT,
        "title": "actorkit topology",
        **topology,
        "patternProperties": {"^x-": {}},
        "definitions": {
            "actor": _actor(),
            **{f"section-{kind}": _server(kind) for kind in SERVERS},
            "actor-values": shape.ACTOR_VALUES.schema(),
            "test": shape.CASE.schema(),
            "secret": {"type": "object", "oneOf": [_one_of(key.name) for key in shape.SECRET.keys]},
            "reference": {
                "description": "the content of a file or a secret, or of the files of a folder by their names",
                "oneOf": [_one_of("file"), _one_of("secret"), _one_of("folder")],
            },
            **_parameters(),
        },
    }


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def _one_of(name: str) -> dict[str, Any]:
    """A mapping with that one key, which holds a text."""
    properties = {name: {"type": "string"}}
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": [name]}


def _server(kind: str) -> dict[str, Any]:
    """The section that is short for one actor beside the graph."""
    entry = SERVERS[kind]
    found = shape.SERVER[entry.kind].schema()
    found["properties"]["params"] = {"$ref": f"#/definitions/params-{entry.name}"}
    return {**found, "description": f"short for an actor {kind}: {{uses: {entry.name}}}: {entry.summary}"}


def _actor() -> dict[str, Any]:
    """An actor: what its `params` may hold follows from what it `uses`."""
    found = shape.ACTOR.schema()
    rules = [
        {
            "if": {"properties": {"uses": {"const": name}}, "required": ["uses"]},
            "then": {"properties": {"params": {"$ref": f"#/definitions/params-{name}"}}},
        }
        for name in known.names()
    ]
    return {**found, "allOf": rules}


def _parameters() -> dict[str, Any]:
    """Definitions of the parameters of every actor that a name stands for, and of the types that they use."""
    found = params_schema.of_all()
    entries = known.entries()
    packages = [entry for entry in entries.values() if entry.package]
    for entry in entries.values():
        found |= params_schema.unknown(entry.name) if entry.package else _of_stock(entry)
    for entry, definitions in zip(packages, lookup.schemas(packages), strict=True):
        found |= definitions or params_schema.unknown(entry.name)
    return found


def _of_stock(entry: Entry) -> dict[str, Any]:
    """The definitions of a stock actor; where its extra is not installed, nothing is known of its parameters."""
    try:
        return params_schema.of_actor(entry.name, class_of(entry.class_path).Params)
    except ImportError:
        return params_schema.unknown(entry.name)
