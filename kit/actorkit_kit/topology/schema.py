"""The JSON schema of the topology file: editors complete and check with it while an author writes.

It knows shapes, names from the catalogue and their parameters. Only `check` finds what needs other files, or the graph.
"""

from __future__ import annotations

import json
from typing import Any, Final, get_args

import msgspec

from actorkit.graph import NAME, Delivery, Options
from actorkit.params import Params
from actorkit_actors.catalogue import CATALOGUE, SERVERS, Entry
from actorkit_kit.classes.actor_class import class_of
from actorkit_kit.topology.actor_section import MAX_REPLICAS, SERVER_KEYS
from actorkit_kit.topology.connection_section import MAX_WINDOW

#: The dialect of JSON schema that editors know best.
DIALECT: Final = "http://json-schema.org/draft-07/schema#"

_NAME: Final = {"type": "string", "pattern": "^" + NAME.pattern.removesuffix(r"\Z") + "$"}
_REPLICAS: Final = {
    "type": "integer",
    "minimum": 1,
    "maximum": MAX_REPLICAS,
    "default": 1,
    "description": "how many instances run",
}
_BOXES: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


def schema() -> dict[str, Any]:
    """The whole schema."""
    return {
        "$schema": DIALECT,
        "title": "actorkit topology",
        "type": "object",
        "required": ["name", "actors"],
        "additionalProperties": False,
        "patternProperties": {"^x-": {}},
        "properties": {
            "name": {**_NAME, "description": "the topology, in images, labels and metrics"},
            "actors": _named({"$ref": "#/definitions/actor"}, "the nodes of the graph", least=1),
            "connections": {"type": "array", "items": {"$ref": "#/definitions/connection"}, "description": "the edges"},
            **{kind: _server(kind) for kind in SERVERS},
            "keys": {
                **_object({"secret": {"type": "string"}}, "the CURVE keys that all edges and brokers use"),
                "required": ["secret"],
            },
            "secrets": _named({"$ref": "#/definitions/secret"}, "where secrets come from"),
            "defaults": _object(_shared(), "hold for all that say nothing else"),
        },
        "definitions": {
            "actor": _actor(),
            "connection": _connection(),
            "secret": {
                "type": "object",
                "oneOf": [
                    {**_object({"file": {"type": "string"}}), "required": ["file"]},
                    {**_object({"env": {"type": "string"}}), "required": ["env"]},
                ],
            },
            "reference": {
                "description": "the content of a file or a secret",
                "oneOf": [
                    {**_object({"file": {"type": "string"}}), "required": ["file"]},
                    {**_object({"secret": {"type": "string"}}), "required": ["secret"]},
                ],
            },
            **_parameters(),
        },
    }


def text() -> str:
    """The schema as it stands in the file."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def _object(properties: dict[str, Any], description: str = "") -> dict[str, Any]:
    found = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "description": description} if description else found


def _named(value: dict[str, Any], description: str, least: int = 0) -> dict[str, Any]:
    found = {"type": "object", "propertyNames": {"pattern": _NAME["pattern"]}, "additionalProperties": value}
    return {**found, "description": description, "minProperties": least}


def _shared() -> dict[str, Any]:
    memory = {"type": "integer", "minimum": 16, "default": 128, "description": "memory of one instance, in MiB"}
    cpus = {"type": "number", "exclusiveMinimum": 0, "default": 1, "description": "processors of one instance"}
    return {
        "env": {"type": "object", "additionalProperties": {"type": "string"}, "description": "environment variables"},
        "resources": _object({"memory_mb": memory, "cpus": cpus}, "what one instance may use"),
        "drain_timeout_s": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 20,
            "description": "longest time to finish when stopped, in seconds",
        },
    }


def _expose() -> dict[str, Any]:
    port = {"type": "integer", "minimum": 1, "maximum": 65535}
    public = {"type": "boolean", "default": False, "description": "whether other machines reach it"}
    long = {**_object({"port": port, "public": public}), "required": ["port"]}
    return {
        "type": "object",
        "additionalProperties": {"anyOf": [port, long]},
        "description": "ports that are reached from outside",
    }


def _server(kind: str) -> dict[str, Any]:
    """The section that is short for one actor beside the graph."""
    entry = SERVERS[kind]
    clear = {"type": "boolean", "default": False, "description": "whether other machines may connect without keys"}
    known = {
        "clear": clear,
        "params": {"$ref": f"#/definitions/params-{entry.name}"},
        "replicas": _REPLICAS,
        "expose": _expose(),
        **_shared(),
    }
    properties = {key: known[key] for key in SERVER_KEYS[entry.kind]}
    return _object(properties, f"short for an actor {kind}: {{uses: {entry.name}}}: {entry.summary}")


def _actor() -> dict[str, Any]:
    names = [{"const": name, "description": CATALOGUE[name].summary} for name in sorted(CATALOGUE)]
    user = {"type": "string", "pattern": r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", "description": "package.module:Class"}
    properties = {
        "uses": {"anyOf": [*names, user], "description": "a name from the catalogue, or package.module:Class"},
        "params": {"type": "object", "description": "the parameters of the class"},
        "replicas": _REPLICAS,
        "build": {"type": "string", "description": "the folder with the code of package.module:Class"},
        "expose": _expose(),
        **_shared(),
    }
    rules = [
        {
            "if": {"properties": {"uses": {"const": name}}, "required": ["uses"]},
            "then": {"properties": {"params": {"$ref": f"#/definitions/params-{name}"}}},
        }
        for name in sorted(CATALOGUE)
    ]
    return {**_object(properties), "required": ["uses"], "allOf": rules}


def _connection() -> dict[str, Any]:
    properties = {
        "from": _BOXES,
        "to": _BOXES,
        "delivery": {"enum": list(get_args(Delivery)), "default": Options().delivery},
        "window": {"type": "integer", "minimum": 1, "maximum": MAX_WINDOW, "default": Options().window},
        "key": {"type": "string", "description": "path in the event: data/customer"},
    }
    chain = {"type": "string", "pattern": "->", "description": "web -> auth -> web"}
    return {"anyOf": [chain, {**_object(properties), "required": ["from", "to"]}]}


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
