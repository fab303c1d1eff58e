"""Makes a lock: asks pip, in a container of the base image, which packages every image gets."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container
from docker.models.images import Image as EngineImage

from actorkit_kit import assets, requirements
from actorkit_kit.author_code import survey
from actorkit_kit.errors import KitError
from actorkit_kit.image import lock
from actorkit_kit.image.lock import Lock, LockedImage
from actorkit_kit.plan.model import Image, Plan

#: Where everything lies in the container.
_FOLDER: Final = "/tmp/actorkit"
#: Lines of pip's that are told when it fails.
_TAIL_LINES: Final = 12


def make_lock(client: DockerClient, plan: Plan, base_name: str = lock.BASE) -> Lock:
    """The lock of a topology, for the base image that the engine has under a name; it is pulled where it has none.

    Raises:
        KitError: something that is asked for cannot be had.
    """
    base = _base(client, base_name)
    images = {unit.image.tag.rpartition(":")[0]: unit.image for unit in plan.units}
    images.pop(lock.RUNTIME, None)
    answer = _ask(client, base, _context(plan, images))
    locked = {lock.RUNTIME: LockedImage(lock.asks_hash(None), tuple(answer["images"][""]))}
    for repository, image in sorted(images.items()):
        options = requirements.options(image.build) if image.build is not None else ()
        locked[repository] = LockedImage(lock.asks_hash(image), tuple(answer["images"][repository]), tuple(options))
    return Lock(
        topology=plan.topology,
        base=reference(base, base_name),
        platform=platform(base),
        python=answer["python"],
        images=locked,
        actorkit=plan.version,
        label=plan.base / lock.FILE,
    )


def reference(image: EngineImage, name: str) -> str:
    """What means this image for ever: its digest in the registry of its name, or its id where it never was in one."""
    repository = re.sub(r"(@.*|:[^/]*)$", "", name)
    digests = [digest for digest in image.attrs.get("RepoDigests") or () if digest.startswith(f"{repository}@")]
    return digests[0] if digests else str(image.id)


def platform(image: EngineImage) -> str:
    """The platform of an image: `linux/amd64`."""
    return f"{image.attrs['Os']}/{image.attrs['Architecture']}"


def check_base(client: DockerClient, found: Lock) -> None:
    """See that the engine has the base image of a lock; it is pulled where it has not.

    Raises:
        KitError: it cannot be had, or is for other machines.
    """
    try:
        image = client.images.get(found.base)
    except ImageNotFound:
        image = _pull(client, found)
    if platform(image) != found.platform:
        todo = "Say kit lock on a machine of this kind."
        raise KitError(f"{found.label}: it was made for {found.platform}, and this is {platform(image)}. {todo}")


def _pull(client: DockerClient, found: Lock) -> EngineImage:
    if found.base.startswith("sha256:"):
        why = "its base image was never in a registry, and this engine does not have it"
        raise KitError(f"{found.label}: {why}. Load {found.base}, or say kit lock again.")
    try:
        client.images.pull(found.base)
        return client.images.get(found.base)
    except DockerException as exc:
        raise KitError(f"{found.label}: its base image {found.base} cannot be pulled: {_said(exc)}") from exc


def _base(client: DockerClient, name: str) -> EngineImage:
    try:
        return client.images.get(name)
    except ImageNotFound:
        pass
    except APIError as exc:
        raise KitError(f'"{name}" is no name of an image: {_said(exc)}. Write it as {lock.BASE}.') from exc
    try:
        client.images.pull(name)
        return client.images.get(name)
    except DockerException as exc:
        raise KitError(f'the base image "{name}" cannot be pulled: {_said(exc)}') from exc


def _said(exc: DockerException) -> str:
    return str(exc.explanation or exc) if isinstance(exc, APIError) else str(exc)


def _context(plan: Plan, images: Mapping[str, Image]) -> dict[str, bytes]:
    """The files that the container gets, by path in its folder."""
    scripts = assets.image_scripts()
    files = {
        f"actorkit_kit/image/inside/{path.relative_to(scripts)}": path.read_bytes()
        for path in assets.files_under(scripts)
    }
    asked: dict[str, Any] = {}
    for number, (repository, image) in enumerate(sorted(images.items())):
        code = ""
        if image.build is not None:
            code = f"code-{number}"
            for name, path in survey(image.build, plan.secret_files).files.items():
                files[f"{code}/{name}"] = path.read_bytes()
        asked[repository] = {"extra": lock.extra_asks(image.extra), "package": image.package, "code": code}
    files["request.json"] = json.dumps({"runtime": lock.runtime_asks(), "images": asked}).encode()
    return files


def _ask(client: DockerClient, base: EngineImage, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Run the resolver in a container; its answer.

    Raises:
        KitError: pip found no packages that fit.
    """
    container = client.containers.create(
        base,
        ["python", "-m", "actorkit_kit.image.inside.resolve"],
        working_dir=_FOLDER,
        environment={"PYTHONPATH": _FOLDER, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        labels={"io.actorkit.resolver": "true"},
    )
    try:
        container.put_archive("/", _pack(files))
        container.start()
        status = container.wait()["StatusCode"]
        if status:
            said = container.logs().decode(errors="replace").strip().splitlines()[-_TAIL_LINES:]
            raise KitError("the packages could not be resolved. pip said last:\n  " + "\n  ".join(said))
        return dict(json.loads(_fetch(container, f"{_FOLDER}/answer.json")))
    finally:
        with suppress(APIError):
            container.remove(force=True)


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(f"{_FOLDER[1:]}/{name}")
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def _fetch(container: Container, path: str) -> bytes:
    """A file of a container."""
    chunks, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        file = tar.extractfile(Path(path).name)
        return file.read() if file else b""
