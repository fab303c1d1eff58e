"""Checks of single values, whatever they stand for: what a process, a YAML file or a JSON text cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from actorkit_kit.bounds import MAX_DEPTH, MAX_INTEGER, TOO_DEEP, TOO_LARGE
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.findings import Findings
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.model import MAX_VARIABLE_BYTES, Node, variable_bytes

#: What all variables of one environment may take, in bytes. Linux gives a new process 2 MiB for them and its arguments
#: where the stack may have the usual 8 MiB; the variables that a target adds are few.
MAX_ENVIRONMENT_BYTES: Final = 1 << 20


def check_values(findings: Findings, document: Document) -> bool:
    """Note every value that no target can carry; whether the rest of the checks may look at the document."""
    deep = False
    for location, message in _unfit(document.data):
        findings.add(location, message)
        deep = deep or message == TOO_DEEP
    return not deep


def _unfit(data: Any) -> Iterator[tuple[Location, str]]:
    waiting: list[tuple[Location, Any]] = [((), data)]
    while waiting:
        location, value = waiting.pop()
        if isinstance(value, dict | list) and len(location) >= MAX_DEPTH:
            yield location, TOO_DEEP
        elif isinstance(value, dict):
            for key, item in value.items():
                if "\0" in str(key):
                    yield (*location, str(key)), "this key holds the character NUL. Remove it."
                waiting.append(((*location, str(key)), item))
        elif isinstance(value, list):
            waiting += [((*location, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str) and "\0" in value:
            yield location, "this text holds the character NUL, which ends a text in an environment. Remove it."
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            yield location, TOO_LARGE


def check_sizes(findings: Findings, node: Node) -> None:
    """Note what is too long for an environment: each of `env`, and all together."""
    whole = 0
    for name, value in node.env.items():
        size = variable_bytes(name, value)
        whole += size
        if size > MAX_VARIABLE_BYTES:
            message = f"more than the {MAX_VARIABLE_BYTES} that a variable of the environment can hold. Shorten it."
            findings.add((*node.location, "env", name), f"this is {size} bytes, {message}")
    if whole > MAX_ENVIRONMENT_BYTES:
        message = f"more than the {MAX_ENVIRONMENT_BYTES} that an environment can hold. Put some into files."
        findings.add((*node.location, "env"), f"these are {whole} bytes, {message}")
