"""The JSON schema of the topology file: editors complete and check with it while an author writes.

It knows shapes, names from the catalogue and their parameters. Only `check` finds what needs other files, or the graph.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from actorkit.params import Params
from actorkit_actors.catalogue import CATALOGUE, SERVERS, Entry
from actorkit_kit.classes.actor_class import class_of
from actorkit_kit.topology import shape

#: The dialect of JSON schema that editors know best.
DIALECT: Final = "http://json-schema.org/draft-07/schema#"


def schema() -> dict[str, Any]:
    """The whole schema."""
    topology = shape.TOPOLOGY.schema()
    servers = {kind: _server(kind) for kind in SERVERS}
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
            "actor-values": shape.ACTOR_VALUES.schema(),
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
        for name in sorted(CATALOGUE)
    ]
    return {**found, "allOf": rules}


def _parameters() -> dict[str, Any]:
    """Definitions of the parameters of every stock actor, and of the types that they use."""
    found: dict[str, Any] = {}
    for name in sorted(CATALOGUE):
        (own,), used = msgspec.json.schema_components(
            [_params_class(CATALOGUE[name])], ref_template="#/definitions/{name}-" + name
        )
        found |= {f"{key}-{name}": value for key, value in used.items()}
        definition = found.pop(own["$ref"].removeprefix("#/definitions/"))
        definition["properties"] = {
            key: {"anyOf": [value, {"$ref": "#/definitions/reference"}], "description": value.pop("description", "")}
            for key, value in definition["properties"].items()
        }
        definition.pop("title", None)
        definition.pop("required", None)
        found[f"params-{name}"] = definition
    return found


def _params_class(entry: Entry) -> type[Params]:
    params: type[Params] = class_of(entry.class_path).Params
    return params
