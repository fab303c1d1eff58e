"""Pushes the images of a topology to registries, and knows by which digests they are reached there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from docker import DockerClient
from docker.errors import APIError, DockerException

from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.image.build import Recipe
from actorkit_kit.image.sbom import folder_of
from actorkit_kit.kit_folder import keep
from actorkit_kit.plan.model import Plan, Unit

#: Name of the file that tells what was pushed.
RECORD: Final = "pushed.json"
#: A registry as images' names begin with it: host, port, and a path in it (distribution/reference, "Grammar").
_REGISTRY: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")

#: Told for each image: its name in the registry, and its digest there.
OnPushed = Callable[[str, str], None]


@dataclass(frozen=True)
class Pushed:
    """An image in a registry. `made_of` is the digest of its recipe, so that nobody takes it for a newer one."""

    name: str
    digest: str
    made_of: str

    @property
    def reference(self) -> str:
        """What means this image for ever: `registry.example.com/orders/execute:3f2a91bc07de@sha256:…`."""
        return f"{self.name}@{self.digest}"


def check_registry(registry: str) -> str:
    """The registry as it is written before an image's name.

    Raises:
        UsageError: it is none.
    """
    host = registry.partition("/")[0]
    if "://" in registry:
        raise UsageError(f'--registry: "{registry}" is a URL. Write host[:port][/path], as names of images begin.')
    registry = registry.rstrip("/")
    if not _REGISTRY.fullmatch(registry):
        raise UsageError(f'--registry: "{registry}" is not a registry. Write host[:port][/path], in small letters.')
    if "." not in host and ":" not in host and host != "localhost":
        raise UsageError(f'--registry: "{registry}" names no host. Write docker.io/{registry}, for example.')
    return registry


def push(
    client: DockerClient, plan: Plan, wanted: Sequence[Recipe], registries: Iterable[str], on_pushed: OnPushed
) -> list[Pushed]:
    """Give every image its name in each registry and push it; what is known of each then.

    What was pushed is kept beside the topology, image by image: a push that breaks off goes on where it was.

    Raises:
        KitError: a registry did not take an image.
    """
    done = []
    for registry in registries:
        for recipe in wanted:
            repository, _, tag = recipe.tag.rpartition(":")
            name = f"{registry}/{repository}"
            client.images.get(recipe.tag).tag(name, tag)
            pushed = Pushed(f"{name}:{tag}", _push_one(client, name, tag), recipe.digest)
            done.append(pushed)
            _remember(plan, pushed)
            on_pushed(pushed.name, pushed.digest)
    return done


def push_units(client: DockerClient, plan: Plan, wanted: Sequence[Recipe], registry: str, on_pushed: OnPushed) -> Plan:
    """Push the images that the units of a plan run to a registry; the plan with these images by their digests there.

    Raises:
        KitError: the registry did not take an image.
    """
    tags = {unit.image.tag for unit in plan.units}
    done = push(client, plan, [recipe for recipe in wanted if recipe.tag in tags], [registry], on_pushed)
    references = {pushed.name: pushed.reference for pushed in done}
    units = (_rename(unit, references[f"{registry}/{unit.image.tag}"]) for unit in plan.units)
    return replace(plan, units=tuple(units))


def _push_one(client: DockerClient, name: str, tag: str) -> str:
    """Push one image; its digest in the registry."""
    digest = ""
    try:
        for answer in client.api.push(name, tag=tag, stream=True, decode=True):
            if "error" in answer:
                raise KitError(_refusal(f"{name}:{tag}", str(answer["error"])))
            digest = answer.get("aux", {}).get("Digest", digest)
    except DockerException as exc:
        said = exc.explanation if isinstance(exc, APIError) else exc
        raise KitError(_refusal(f"{name}:{tag}", str(said))) from exc
    if not digest:
        raise KitError(_refusal(f"{name}:{tag}", "the engine told no digest"))
    return str(digest)


def _refusal(name: str, said: str) -> str:
    host = name.partition("/")[0]
    todo = f"Log in first: docker login {host}." if re.search("denied|unauthorized|credential", said) else ""
    return f'"{name}" could not be pushed: {said.strip()}. {todo}'.strip()


def _record(plan: Plan) -> Path:
    return folder_of(plan) / RECORD


def read_record(plan: Plan) -> dict[str, Pushed]:
    """What was pushed of a topology, by name; empty where nothing is known."""
    try:
        found: Any = json.loads(_record(plan).read_text(encoding="utf-8"))
        return {name: Pushed(name, str(told["digest"]), str(told["made_of"])) for name, told in found.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _remember(plan: Plan, pushed: Pushed) -> None:
    known = {**read_record(plan), pushed.name: pushed}
    content = {name: {"digest": one.digest, "made_of": one.made_of} for name, one in sorted(known.items())}
    keep(_record(plan), json.dumps(content, indent=1) + "\n")


def in_registry(plan: Plan, wanted: Iterable[Recipe], registry: str) -> tuple[Plan, list[str]]:
    """The plan with its images as they are called in a registry, by their digests there; and the names of those whose
    digests are not known, as this was not pushed from here. Those are called by their tags.
    """
    known = read_record(plan)
    made_of: Mapping[str, str] = {recipe.tag: recipe.digest for recipe in wanted}
    unknown, units = [], []
    for unit in plan.units:
        name = f"{registry}/{unit.image.tag}"
        pushed = known.get(name)
        if pushed is not None and pushed.made_of == made_of.get(unit.image.tag):
            name = pushed.reference
        else:
            unknown.append(name)
        units.append(_rename(unit, name))
    return replace(plan, units=tuple(units)), list(dict.fromkeys(unknown))


def _rename(unit: Unit, name: str) -> Unit:
    return replace(unit, image=replace(unit.image, tag=name))
