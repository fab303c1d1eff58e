"""Images: what goes into each, whether it has to be built, and the build through the Docker SDK.

The SDK speaks to the engine's classic builder: BuildKit wants a session, which it does not offer. So the Dockerfile
uses nothing that only BuildKit has. The tag of an image follows from all that goes into it, so no tag ever comes to
mean something else; the whole digest is a label of the image.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
#: Digits of the digest that stand in a tag.
TAG_DIGITS: Final = 12
#: Lines of a failed build that are shown.
TAIL_LINES: Final = 12

#: Path in the build context → the file.
Context = dict[str, Path]


@dataclass(frozen=True)
class Recipe:
    """How an image is made: `stage` of the Dockerfile, with `arguments`, from the files of `context`.

    `release` is the version that the tag of an image of actorkit begins with, "" for an author's own.
    """

    repository: str
    release: str
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

    @property
    def tag(self) -> str:
        """The image's name: `orders/execute:3f2a91bc07de`, `actorkit/xslt:0.1.0-8c1d5a90e2b7`."""
        digits = self.digest.removeprefix("sha256:")[:TAG_DIGITS]
        return f"{self.repository}:{self.release}-{digits}" if self.release else f"{self.repository}:{digits}"


class Progress(Protocol):
    """What is told while images are built."""

    def started(self, tag: str) -> None: ...

    def line(self, tag: str, text: str) -> None: ...

    def finished(self, tag: str) -> None: ...


def recipes(plan: Plan) -> list[Recipe]:
    """The recipe of every image of the plan, the runtime's first, each image once.

    Raises:
        KitError: a folder of the author's code is missing.
    """
    return list(_recipes(plan).values())


def identified(plan: Plan) -> Plan:
    """The plan with every image under the tag that follows from its content. No engine is asked.

    Raises:
        KitError: a folder of the author's code is missing.
    """
    found = _recipes(plan)
    units = (replace(unit, image=replace(unit.image, tag=found[_repository(unit.image)].tag)) for unit in plan.units)
    return replace(plan, units=tuple(units))


def _recipes(plan: Plan) -> dict[str, Recipe]:
    """The recipes by repository, the runtime's first."""
    runtime = runtime_recipe(plan.version)
    found = {runtime.repository: runtime}
    for unit in plan.units:
        if _repository(unit.image) not in found:
            found[_repository(unit.image)] = _actor_recipe(plan, unit.image, unit.uses, runtime)
    return found


def _repository(image: Image) -> str:
    return image.tag.rpartition(":")[0]


def runtime_recipe(version: str) -> Recipe:
    """The recipe of the image that all others are layered on; the broker is in it."""
    context = {"Dockerfile": assets.asset("Dockerfile"), "pyproject.toml": assets.asset("pyproject.toml")}
    context |= _folder(assets.image_scripts(), "kit/actorkit_kit/image/inside")
    context |= _folder(assets.package("actorkit"), "runtime/actorkit")
    return Recipe("actorkit/runtime", version, "runtime", {"VERSION": version}, context)


def _actor_recipe(plan: Plan, image: Image, uses: str, runtime: Recipe) -> Recipe:
    context = dict(runtime.context) | _folder(assets.package("actorkit_actors"), "actors/actorkit_actors")
    arguments = {"VERSION": plan.version, "EXTRA": image.extra, "RUNTIME": runtime.tag, "NAME": uses}
    if image.build is not None:
        code = survey(image.build, plan.secret_files)
        context |= {f"code/{name}": path for name, path in code.files.items()}
        arguments |= {"CODE": "code"}
    release = plan.version if image.build is None else ""
    return Recipe(_repository(image), release, "actor", arguments, context, parent=runtime.digest)


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
