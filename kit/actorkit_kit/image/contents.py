"""What is in an image that the engine has: what pip installed, as the build noted it, and the base's own packages."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

#: Where builds note what they installed: `actorkit_kit.image.inside.install`.
_NOTES: Final = ("/opt/actorkit/lib/installed.json", "/opt/actorkit/extra/installed.json")
#: Debian's list of packages, and what tells which Debian it is.
_DEBIAN: Final = "/var/lib/dpkg/status"
_RELEASE: Final = "/etc/os-release"


@dataclass(frozen=True)
class DebianPackage:
    """A package of the base image."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True)
class Contents:
    """What an image holds. `python` is told by images whose Python is not a package; `debian` names the release."""

    id: str
    packages: tuple[Mapping[str, Any], ...]
    debian_packages: tuple[DebianPackage, ...] = ()
    debian: str = ""
    python: str = ""


def look_into(client: DockerClient, tag: str) -> Contents:
    """What an image holds. A container is made of it, and not started.

    Raises:
        ImageNotFound: the engine has no such image.
    """
    image = client.images.get(tag)
    container = client.containers.create(image)
    try:
        packages = [package for path in _NOTES for package in json.loads(_read(container, path) or b"[]")]
        debian = _read(container, _DEBIAN).decode(errors="replace")
        release = _read(container, _RELEASE).decode(errors="replace")
    finally:
        with suppress(APIError):
            container.remove(force=True)
    settings = dict(entry.partition("=")[::2] for entry in image.attrs["Config"].get("Env") or ())
    version = re.search(r'^VERSION_ID="?([^"\n]+)', release, re.MULTILINE)
    return Contents(
        str(image.id),
        tuple(packages),
        tuple(_debian(debian)),
        f"debian-{version[1]}" if version and "ID=debian" in release else "",
        settings.get("PYTHON_VERSION", ""),
    )


def _read(container: Container, path: str) -> bytes:
    """A file of a container, links followed; empty where there is none."""
    for _ in range(4):
        try:
            chunks, _status = container.get_archive(path)
        except NotFound:
            return b""
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            (entry,) = tar.getmembers()
            if not entry.issym():
                file = tar.extractfile(entry)
                return file.read() if file else b""
            path = str(PurePosixPath(path).parent / entry.linkname)
    return b""


def _debian(status: str) -> Iterator[DebianPackage]:
    """The installed packages of a file of dpkg's (deb822: paragraphs of fields)."""
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed") and "Package" in fields and "Version" in fields:
            yield DebianPackage(fields["Package"], fields["Version"], fields.get("Architecture", "all"))
