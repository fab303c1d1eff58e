"""Images: what goes into each, whether it has to be built, and the build through the Docker SDK.

The SDK speaks to the engine's classic builder: BuildKit wants a session, which it does not offer. So the Dockerfile
uses nothing that only BuildKit has. An image carries the digest of all that went into it as a label; one with another
digest is built again.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from actorkit_kit import assets
from actorkit_kit.author_code import survey
from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Image, Plan

#: Label with the digest of what went into an image.
DIGEST_LABEL: Final = "io.actorkit.digest"
#: Lines of a failed build that are shown.
TAIL_LINES: Final = 12

#: Path in the build context → the file.
Context = dict[str, Path]


@dataclass(frozen=True)
class Recipe:
    """How an image is made: `stage` of the Dockerfile, with `arguments`, from the files of `context`."""

    tag: str
    stage: str
    arguments: Mapping[str, str]
    context: Context = field(repr=False)
    parent: str = ""

    @cached_property
    def digest(self) -> str:
        """A hash of all that goes in; `parent` stands for what the image is layered on."""
        whole = hashlib.sha256(self.stage.encode())
        for name, value in sorted(self.arguments.items()):
            whole.update(f"\0{name}={value}".encode())
        whole.update(f"\0{self.parent}".encode())
        for name, path in sorted(self.context.items()):
            whole.update(f"\0{name}\0{_mode(path):o}\0".encode() + path.read_bytes())
        return f"sha256:{whole.hexdigest()}"


class Progress(Protocol):
    """What is told while images are built."""

    def started(self, tag: str) -> None: ...

    def line(self, tag: str, text: str) -> None: ...

    def finished(self, tag: str) -> None: ...


def recipes(plan: Plan) -> list[Recipe]:
    """The recipe of every image of the plan, the runtime's first, each tag once.

    Raises:
        KitError: a folder of the author's code is missing.
    """
    runtime = runtime_recipe(plan.version)
    found = {runtime.tag: runtime}
    for unit in plan.units:
        if unit.image.tag not in found:
            found[unit.image.tag] = _actor_recipe(plan, unit.image, unit.uses, runtime)
    return list(found.values())


def runtime_recipe(version: str) -> Recipe:
    """The recipe of the image that all others are layered on; the broker is in it."""
    context = {"Dockerfile": assets.asset("Dockerfile"), "pyproject.toml": assets.asset("pyproject.toml")}
    context |= _folder(assets.image_scripts(), "kit/actorkit_kit/image/inside")
    context |= _folder(assets.package("actorkit"), "runtime/actorkit")
    return Recipe(f"actorkit/runtime:{version}", "runtime", {"VERSION": version}, context)


def _actor_recipe(plan: Plan, image: Image, uses: str, runtime: Recipe) -> Recipe:
    context = dict(runtime.context) | _folder(assets.package("actorkit_actors"), "actors/actorkit_actors")
    arguments = {"VERSION": plan.version, "EXTRA": image.extra, "RUNTIME": runtime.tag, "NAME": uses}
    if image.build is not None:
        code = survey(image.build, plan.secret_files)
        context |= {f"code/{name}": path for name, path in code.files.items()}
        arguments |= {"CODE": "code"}
    return Recipe(image.tag, "actor", arguments, context, parent=runtime.digest)


def _folder(folder: Path, prefix: str) -> Context:
    return {f"{prefix}/{path.relative_to(folder)}": path for path in assets.files_under(folder)}


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def archive(recipe: Recipe) -> io.BytesIO:
    """The build context as a tar file, the same bytes for the same files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, path in sorted(recipe.context.items()):
            content = path.read_bytes()
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), _mode(path)
            tar.addfile(info, io.BytesIO(content))
    packed.seek(0)
    return packed


def find_outdated(client: DockerClient, wanted: Iterable[Recipe]) -> list[Recipe]:
    """Those whose image is missing or was made from something else."""
    return [recipe for recipe in wanted if _digest_of(client, recipe.tag) != recipe.digest]


def _digest_of(client: DockerClient, tag: str) -> str | None:
    try:
        return str(client.images.get(tag).labels.get(DIGEST_LABEL))
    except ImageNotFound:
        return None


def image_ids(client: DockerClient, plan: Plan) -> dict[str, str]:
    """The images of a plan that are there: tag → id."""
    tags = {image.tag for image in (unit.image for unit in plan.units)}
    found = {}
    for tag in sorted(tags):
        with suppress(ImageNotFound):
            found[tag] = str(client.images.get(tag).id)
    return found


def restore_tags(client: DockerClient, before: Mapping[str, str]) -> None:
    """Give tags back to the images that had them; one that is gone keeps the new one."""
    for tag, id_ in before.items():
        repository, _, version = tag.rpartition(":")
        with suppress(ImageNotFound):
            client.images.get(id_).tag(repository, version)


def build(client: DockerClient, wanted: Iterable[Recipe], progress: Progress, *, no_cache: bool = False) -> None:
    """Build one after the other.

    Raises:
        KitError: a build failed; the message ends with what the builder said last.
    """
    for recipe in wanted:
        progress.started(recipe.tag)
        tail: list[str] = []
        for text in _build_one(client, recipe, no_cache):
            tail = [*tail, text][-TAIL_LINES:]
            progress.line(recipe.tag, text)
        if _digest_of(client, recipe.tag) != recipe.digest:
            said = "\n  ".join(tail)
            raise KitError(f'the image "{recipe.tag}" could not be built. The builder said last:\n  {said}')
        progress.finished(recipe.tag)


def _build_one(client: DockerClient, recipe: Recipe, no_cache: bool) -> Iterator[str]:
    """Lines of the builder; the last one tells of a failure."""
    arguments = {**recipe.arguments, "DIGEST": recipe.digest}
    try:
        answers: Iterator[dict[str, Any]] = client.api.build(
            fileobj=archive(recipe),
            custom_context=True,
            tag=recipe.tag,
            target=recipe.stage,
            buildargs=arguments,
            nocache=no_cache,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for answer in answers:
            text = answer.get("stream") or answer.get("error") or ""
            yield from (line.rstrip() for line in text.splitlines() if line.strip())
    except APIError as exc:
        yield str(exc.explanation or exc)
