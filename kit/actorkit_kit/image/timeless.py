"""Takes from an image what differs between two builds of the same: the times of files, layers and steps.

An engine's builder writes the time of day into all of them. The image is saved, its own layers and its configuration
are written anew, and it is loaded again; the layers of what it stands on stay as they are, so that images share them.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

#: The time that everything gets.
EPOCH: Final = "1970-01-01T00:00:00Z"
#: Names of extended headers of a tar file that hold times (POSIX pax).
_TIMES: Final = ("mtime", "atime", "ctime")
#: What a configuration tells of the build and not of the image (OCI image specification, "Image Configuration").
_OF_THE_BUILD: Final = ("container", "container_config", "docker_version", "id", "parent")
_OF_THE_CONTAINER: Final = ("Hostname", "Domainname", "Image")


def rewrite(saved: Path, kept: int, tag: str, target: Path) -> None:
    """Write the image that `docker save` put into `saved` to `target`, as `docker load` takes it, under `tag`.

    The first `kept` layers stay as they are.
    """
    with tarfile.open(saved) as image, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:
        (manifest,) = json.load(_member(image, "manifest.json"))
        configuration = json.load(_member(image, manifest["Config"]))
        layers, names = [], []
        for number, name in enumerate(manifest["Layers"]):
            with tempfile.TemporaryFile() as layer:
                if number < kept:
                    layer.writelines(_chunks(_member(image, name)))
                    digest = configuration["rootfs"]["diff_ids"][number]
                else:
                    _timeless(_member(image, name), layer)
                    digest = f"sha256:{_digest(layer)}"
                layers.append(digest)
                names.append(f"{number:03}.tar")
                _add(out, names[-1], layer)
        written = json.dumps(_configuration(configuration, layers), sort_keys=True).encode()
        file = f"{hashlib.sha256(written).hexdigest()}.json"
        _add(out, file, io.BytesIO(written))
        listing = [{"Config": file, "RepoTags": [tag], "Layers": names}]
        _add(out, "manifest.json", io.BytesIO(json.dumps(listing).encode()))


def _configuration(found: dict[str, Any], layers: list[str]) -> dict[str, Any]:
    """The configuration of an image without what tells of its build."""
    whole = {key: value for key, value in found.items() if key not in _OF_THE_BUILD}
    whole["config"] = {key: value for key, value in found["config"].items() if key not in _OF_THE_CONTAINER}
    whole["created"] = EPOCH
    whole["history"] = [{**step, "created": EPOCH} for step in found.get("history", ())]
    whole["rootfs"] = {"type": "layers", "diff_ids": layers}
    return whole


def _timeless(layer: IO[bytes], target: IO[bytes]) -> None:
    """A layer with the same files in the same order, all of them from the beginning of time and named by numbers."""
    with tarfile.open(fileobj=layer) as found, tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as out:
        for entry in found:
            entry.mtime, entry.uname, entry.gname = 0, "", ""
            entry.pax_headers = {key: text for key, text in entry.pax_headers.items() if key not in _TIMES}
            out.addfile(entry, found.extractfile(entry) if entry.isreg() else None)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """The content of a file; `docker save` writes a layer that stands twice as a link."""
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f'"{name}" is no file of the image that the engine saved')
    return file


def _add(out: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    info.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    out.addfile(info, content)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk
