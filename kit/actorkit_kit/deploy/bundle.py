"""A bundle: all that a cluster without a way out needs, in one tar file.

The folder in it has the topology's name; `charts/bundle/README.md` says what stands there.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from docker import DockerClient

from actorkit_kit import assets
from actorkit_kit.errors import KitError
from actorkit_kit.image import sbom
from actorkit_kit.image.build import identify, recipes
from actorkit_kit.image.saved import save
from actorkit_kit.plan.model import Plan
from actorkit_kit.render import helm

#: The file with the sums of all others but secrets.
SUMS: Final = "SHA256SUMS"
_INSTALLER: Final = "install"
_IMAGES: Final = "images.tar"
_SECRETS: Final = "chart/secrets/"


def pack(client: DockerClient, plan: Plan, target: Path, *, with_secrets: bool = False) -> list[str]:
    """Write the bundle of a topology whose images are built; the images in it.

    Everything but what the engine saved is the same bytes for the same topology. The file appears when it is whole.

    Raises:
        KitError: an image cannot be saved, or a file cannot be read or written.
    """
    plan = identify(plan)
    built = {recipe.tag for recipe in recipes(plan)}
    tags = sorted({unit.image.tag for unit in plan.units} & built)
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".bundle-") as folder:
            images, packed = Path(folder, _IMAGES), Path(folder, "packed")
            save(client, tags, images)
            files = _files(client, plan, tags, with_secrets)
            _write(plan.topology, files, images, packed)
            packed.chmod(0o600 if with_secrets else 0o644)
            packed.replace(target)
    except OSError as exc:
        raise KitError(f'"{exc.filename or target}" cannot be written: {exc.strerror}.') from exc
    return tags


def _files(client: DockerClient, plan: Plan, tags: list[str], with_secrets: bool) -> dict[str, bytes]:
    """What stands in a bundle beside the images, by path."""
    shipped = assets.asset("charts") / "bundle"
    files = {path.name: path.read_bytes() for path in assets.files_under(shipped)}
    chart = {f"chart/{path}": content for path, content in helm.render(plan).items()}
    files |= {path: content.encode() if isinstance(content, str) else content for path, content in chart.items()}
    secrets = {path: files.pop(path) for path in list(files) if path.startswith(_SECRETS)}
    encoded = helm.encoded_secrets(plan)
    names = [path.removeprefix(_SECRETS) for path in secrets]
    files["release.txt"] = f"{plan.topology}\n".encode()
    files["images.txt"] = "".join(f"{tag}\n" for tag in tags).encode()
    files["secrets.txt"] = "".join(f"{name}{' base64' * (name in encoded)}\n" for name in names).encode()
    files |= {f"sbom/{path.name}": path.read_bytes() for path in sbom.write_all(client, plan, tags)}
    return files | secrets if with_secrets else files


def _write(name: str, files: Mapping[str, bytes], images: Path, target: Path) -> None:
    with images.open("rb") as file:
        sums = {_IMAGES: hashlib.file_digest(file, "sha256").hexdigest()}
    sums |= {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    listing = "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items()) if not path.startswith(_SECRETS))
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in sorted({**files, SUMS: listing.encode()}.items()):
            mode = 0o755 if path == _INSTALLER else 0o600 if path.startswith(_SECRETS) else 0o644
            tar.addfile(_entry(f"{name}/{path}", len(content), mode), io.BytesIO(content))
        with images.open("rb") as file:
            tar.addfile(_entry(f"{name}/{_IMAGES}", images.stat().st_size, 0o644), file)


def _entry(path: str, size: int, mode: int) -> tarfile.TarInfo:
    """An entry of nobody and of no time."""
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size, mode
    return entry
