"""The JSON schema of an actor's parameters, as definitions of one larger schema."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from actorkit.params import Params

#: What a value may be instead of itself: the content of a file or a secret.
REFERENCE: Final = {"$ref": "#/definitions/reference"}
#: Before the name of a definition that all actors share.
_COMMON: Final = "every-actors"


def of_all() -> dict[str, Any]:
    """Definitions of the parameters that every actor has, one each."""
    return {f"{_COMMON}-{name}": value for name, value in _common().items()}


def of_actor(name: str, cls: type[msgspec.Struct]) -> dict[str, Any]:
    """Definitions of an actor's parameters, `params-NAME`, and of the types that they use."""
    (own,), used = msgspec.json.schema_components([cls], ref_template="#/definitions/{name}-" + name)
    found = {f"{key}-{name}": value for key, value in used.items()}
    definition = found.pop(own["$ref"].removeprefix("#/definitions/"))
    common = _common()
    properties = {key: _value(value) for key, value in definition["properties"].items()}
    for key, value in properties.items():
        if common.get(key) == value:
            properties[key] = {"$ref": f"#/definitions/{_COMMON}-{key}"}
    return {**found, f"params-{name}": {"type": "object", "properties": properties, "additionalProperties": False}}


def unknown(name: str) -> dict[str, Any]:
    """The definition of parameters of which nothing is known here."""
    return {f"params-{name}": {"type": "object"}}


@cache
def _common() -> dict[str, Any]:
    (own,), used = msgspec.json.schema_components([Params], ref_template="#/definitions/{name}")
    return {key: _value(value) for key, value in used[own["$ref"].rpartition("/")[2]]["properties"].items()}


def _value(value: dict[str, Any]) -> dict[str, Any]:
    """A parameter's value, or what stands for it."""
    kept = {key: each for key, each in value.items() if key != "description"}
    return {"anyOf": [kept, REFERENCE], "description": value.get("description", "")}
