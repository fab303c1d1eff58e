"""The section `targets`: what a topology has otherwise in one target. Its values are laid over those of the topology.

The graph is the same in all targets, so names, `uses`, `build` and connections cannot stand there. Sections are merged
key by key; a value below (a parameter, a variable, a port, a secret) takes the whole place of the topology's, and null
takes that away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from actorkit_actors.catalogue import SERVERS
from actorkit_kit.topology import shape
from actorkit_kit.topology.document import Document
from actorkit_kit.topology.findings import suggest
from actorkit_kit.topology.location import Location
from actorkit_kit.topology.section import Section

#: Sections of an actor that are merged key by key.
_MERGED: Final = tuple(key.name for key in (shape.PARAMS, shape.ENV, shape.EXPOSE, shape.RESOURCES))
#: The keys of a target's actor.
_OF_ACTOR: Final = frozenset(key.name for key in shape.ACTOR_VALUES.keys)
#: The keys of a target.
_OF_TARGET: Final = frozenset(key.name for key in shape.IN_TARGET.keys)


def has_targets(document: Document) -> bool:
    """Whether the topology has values of a target's own."""
    return isinstance(document.data, dict) and document.data.get(shape.TARGETS.name) is not None


def check(root: Section) -> None:
    """Note what is no target, no actor of the topology, or cannot differ. The values are checked in their target."""
    actors = root.mapping(shape.ACTORS)
    targets = root.section(shape.TARGETS)
    targets.check_keys(shape.IN_TARGETS)
    for key in shape.IN_TARGETS.keys:
        target = targets.section(key)
        _check_keys(target, shape.IN_TARGET.keys, shape.TOPOLOGY.keys)
        for name, actor in target.sections(shape.ACTORS):
            if name in actors:
                _check_keys(actor, shape.ACTOR_VALUES.keys, shape.ACTOR.keys)
            else:
                message = f'the topology has no actor "{name}". {suggest(name, actors)}'
                target.findings.add(actor.location, message, key=True)


def _check_keys(section: Section, known: tuple[Any, ...], elsewhere: tuple[Any, ...]) -> None:
    """Note keys that are not known here; those that a topology may have get a word of their own."""
    names, others = {key.name for key in known}, {key.name for key in elsewhere}
    for name in others - names:
        if name in section.content:
            message = f'"{name}" is the same in all targets. Write it in the topology itself.'
            section.findings.add((*section.location, name), message, key=True)
    section.findings.unknown_keys(section.location, (name for name in section.content if name not in others), names)


def for_target(document: Document, target: str) -> Document:
    """The topology with the values of one target laid over its own; without a target, as it is."""
    given = document.data.get(shape.TARGETS.name) if isinstance(document.data, dict) else None
    values = given.get(target) if isinstance(given, dict) else None
    if not target or not isinstance(values, dict):
        return document
    laid: dict[Location, Location] = {}
    source: Location = (shape.TARGETS.name, target)
    known = {key: value for key, value in values.items() if key in _OF_TARGET}
    data = _laid_over(document.data, known, (), source, laid)
    return replace(document, data=data, laid=laid)


def _laid_over(
    base: Mapping[str, Any], over: Mapping[str, Any], at: Location, source: Location, laid: dict[Location, Location]
) -> dict[str, Any]:
    """`over` over `base`, which stands at a location; notes in `laid` which locations now hold something else."""
    found = dict(base)
    for key, value in over.items():
        here = (*at, key)
        below = base.get(key)
        if not _is_meant(here, base):
            continue
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict) and _is_merged(here) and (below is None or isinstance(below, dict)):
            if below is None:
                laid[here] = (*source, *here)
            found[key] = _laid_over(below or {}, value, here, source, laid)
        else:
            found[key] = value
            laid[here] = (*source, *here)
    return found


def _is_meant(location: Location, base: Mapping[str, Any]) -> bool:
    """Whether there is such a key. What is none is told by `check`, once."""
    match location:
        case ("actors", name):
            return name in base
        case ("actors", _, key):
            return key in _OF_ACTOR
    return True


def _is_merged(location: Location) -> bool:
    """Whether a mapping there is merged key by key."""
    match location:
        case ("actors" | "secrets" | "defaults",) | ("actors", _):
            return True
        case ("actors", _, section) | ("defaults", section):
            return section in _MERGED
        case (server, *rest) if server in SERVERS:
            return not rest or (len(rest) == 1 and rest[0] in _MERGED)
    return False


def secret_files(document: Document) -> tuple[Path, ...]:
    """The files of all declared secrets, whichever target they are for: images are the same in all of them."""
    found = set()
    data = document.data if isinstance(document.data, dict) else {}
    targets = data.get(shape.TARGETS.name)
    for part in (data, *(targets.values() if isinstance(targets, dict) else ())):
        secrets = part.get(shape.SECRETS.name) if isinstance(part, dict) else None
        for secret in secrets.values() if isinstance(secrets, dict) else ():
            file = secret.get(shape.SECRET_FILE.name) if isinstance(secret, dict) else None
            if isinstance(file, str) and "\0" not in file:
                found.add(document.base / file)
    return tuple(sorted(found))
