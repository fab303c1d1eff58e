"""Images: what goes into each, whether it has to be built, and the build through the Docker SDK.

The SDK speaks to the engine's classic builder: BuildKit wants a session, which it does not offer. So the Dockerfile
uses nothing that only BuildKit has. The tag of an image follows from all that goes into it, so no tag ever comes to
mean something else; the whole digest is a label of the image.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
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
from actorkit_kit.image import lock, timeless
from actorkit_kit.image.lock import Lock
from actorkit_kit.plan.model import Image, Plan, Unit

#: Label with the digest of what went into an image.
DIGEST_LABEL: Final = "io.actorkit.digest"
#: Digits of the digest that stand in a tag.
TAG_DIGITS: Final = 12
#: Where a stage of the build finds what a lock says; `actorkit_kit.image.inside.install` reads it.
LOCKED: Final = "kit/actorkit_kit/image/inside/locked-{}.json"
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
    #: What a lock says: files of the context that stand nowhere, by their path in it; empty without a lock.
    locked: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """A hash of all that goes in; `parent` stands for what the image is layered on."""
        whole = hashlib.sha256(self.stage.encode())
        for name, value in sorted(self.arguments.items()):
            whole.update(f"\0{name}={value}".encode())
        whole.update(f"\0{self.parent}".encode())
        for name, path in sorted(self.context.items()):
            whole.update(f"\0{name}\0{_mode(path):o}\0".encode() + path.read_bytes())
        for name, text in sorted(self.locked.items()):
            whole.update(f"\0{name}\0{text}".encode())
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
        KitError: a folder of the author's code is missing, or the lock disagrees.
    """
    return list(_recipes(plan).values())


def identify(plan: Plan) -> Plan:
    """The plan with every image under the tag that follows from its content. No engine is asked.

    Raises:
        KitError: a folder of the author's code is missing, or the lock disagrees.
    """
    found = _recipes(plan)
    units = (replace(unit, image=replace(unit.image, tag=found[_repository(unit.image)].tag)) for unit in plan.units)
    return replace(plan, units=tuple(units))


def _recipes(plan: Plan) -> dict[str, Recipe]:
    """The recipes by repository, the runtime's first."""
    found_lock = lock.read(plan)
    runtime = runtime_recipe(plan.version, found_lock)
    found = {runtime.repository: runtime}
    for unit in plan.units:
        if _repository(unit.image) not in found:
            found[_repository(unit.image)] = _actor_recipe(plan, unit, runtime, found_lock)
    return found


def _repository(image: Image) -> str:
    return image.tag.rpartition(":")[0]


def runtime_recipe(version: str, found: Lock | None = None) -> Recipe:
    """The recipe of the image that all others are layered on; the broker is in it."""
    context = {"Dockerfile": assets.asset("Dockerfile"), "pyproject.toml": assets.asset("pyproject.toml")}
    context |= _folder(assets.image_scripts(), "kit/actorkit_kit/image/inside")
    context |= _folder(assets.package("actorkit"), "runtime/actorkit")
    arguments = {"VERSION": version}
    locked: dict[str, str] = {}
    if found is not None:
        arguments["PYTHON"] = found.base
        locked[LOCKED.format("runtime")] = found.image(lock.RUNTIME, lock.asks_hash(None)).for_build()
    return Recipe(lock.RUNTIME, version, "runtime", arguments, context, locked=locked)


def _actor_recipe(plan: Plan, unit: Unit, runtime: Recipe, found: Lock | None) -> Recipe:
    image, repository = unit.image, _repository(unit.image)
    context = dict(runtime.context) | _stock_actors(unit)
    arguments = {"VERSION": plan.version, "EXTRA": image.extra, "RUNTIME": runtime.tag, "NAME": unit.uses}
    if image.package:
        arguments |= {"PACKAGE": image.package}
    if image.build is not None:
        code = survey(image.build, plan.secret_files)
        context |= {f"code/{name}": path for name, path in code.files.items()}
        arguments |= {"CODE": "code"}
    # The builder makes the stages of the runtime as well, whatever it is told to layer the actor on.
    locked = dict(runtime.locked)
    if found is not None:
        arguments["PYTHON"] = found.base
        locked[LOCKED.format("actor")] = found.image(repository, lock.asks_hash(image)).for_build()
    release = plan.version if image.build is None and not image.package else ""
    return Recipe(repository, release, "actor", arguments, context, parent=runtime.digest, locked=locked)


def _stock_actors(unit: Unit) -> Context:
    """The stock actors in an image: those of its actor's field, which knows no other; beside an author's code, all."""
    package = assets.package("actorkit_actors")
    found = _folder(package, "actors/actorkit_actors")
    if not unit.class_path.startswith(f"{package.name}."):
        return found
    field = unit.class_path.split(".")[1]
    return {name: path for name, path in found.items() if path.parent in (package, package / field)}


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
        for name, text in sorted(recipe.locked.items()):
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    packed.seek(0)
    return packed


def find_outdated(client: DockerClient, wanted: Iterable[Recipe]) -> list[Recipe]:
    """Those whose image is missing or was made from something else."""
    return [recipe for recipe in wanted if not _is_built(client, recipe)]


def _is_built(client: DockerClient, recipe: Recipe) -> bool:
    """Whether the engine has the image; one from a lock that still has its times was left half way by a ^C."""
    if _digest_of(client, recipe.tag) != recipe.digest:
        return False
    return not recipe.locked or str(client.images.get(recipe.tag).attrs["Created"]).startswith(timeless.EPOCH[:-1])


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
        if recipe.locked:
            _make_timeless(client, recipe)
        progress.finished(recipe.tag)


def _make_timeless(client: DockerClient, recipe: Recipe) -> None:
    """Give the image that was built the digest that every build of this recipe has."""
    image = client.images.get(recipe.tag)
    below = client.images.get(recipe.arguments.get("RUNTIME") or recipe.arguments["PYTHON"])
    shared = len(below.attrs["RootFS"]["Layers"])
    with tempfile.TemporaryDirectory() as folder:
        saved, rewritten = Path(folder, "saved.tar"), Path(folder, "rewritten.tar")
        with saved.open("wb") as file:
            file.writelines(image.save())
        timeless.rewrite(saved, shared, recipe.tag, rewritten)
        with rewritten.open("rb") as file:
            client.images.load(file)
    if client.images.get(recipe.tag).id != image.id:
        # Its untagged parents are the builder's cache.
        client.api.remove_image(str(image.id), noprune=True)


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
