"""The Docker Engine and the `docker compose` command, with their absence put into one line."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import docker
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from actorkit_kit.errors import KitError
from actorkit_kit.output import last_line
from actorkit_kit.plan.model import Image

#: Files of the user's own that compose lays over compose.yaml: it takes the first that there is.
OVERRIDES: Final = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


def connect() -> DockerClient:
    """A client of the engine that DOCKER_HOST or the default socket names; the caller closes it.

    Raises:
        KitError: no engine answers there.
    """
    try:
        client = docker.from_env()
    except DockerException as exc:
        raise _no_engine() from exc
    try:
        client.ping()
    except (DockerException, OSError) as exc:
        client.close()
        raise _no_engine() from exc
    return client


def find_image(client: DockerClient, name: str) -> None:
    """See that the engine has an image, or have it pull that; by its digest, where the name has one.

    Raises:
        DockerException: it is nowhere.
    """
    try:
        client.images.get(name)
    except ImageNotFound:
        repository, tag, digest = Image(name).parts
        client.images.pull(repository, tag=digest or tag)


def _no_engine() -> KitError:
    where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return KitError(f'no Docker Engine answers at "{where}". Start Docker, or set DOCKER_HOST to where one listens.')


def docker_command() -> str:
    """The path of the `docker` command.

    Raises:
        KitError: there is none.
    """
    found = shutil.which("docker")
    if found is None:
        raise KitError('there is no "docker" command. Install Docker with its compose plugin, version 2.')
    return found


def compose(
    arguments: Sequence[str],
    *,
    project: str,
    folder: Path | None = None,
    rendered: Path | None = None,
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[str]:
    """Start `docker compose` on a project; with `folder`, on the compose file in there and the user's override.

    `rendered` is a folder with another compose file, which is read as if it stood in `folder`. `variables` come to
    those of the environment, `options` go to `Popen`. Text, not bytes, goes through its pipes.
    """
    where = []
    if folder:
        # The same files that compose finds by itself in the folder: a variable COMPOSE_FILE must not lead elsewhere.
        override = next((name for name in OVERRIDES if (folder / name).is_file()), None)
        files = [(rendered or folder) / "compose.yaml", *([folder / override] if override else [])]
        where = [argument for file in files for argument in ("--file", str(file))]
        where += ["--project-directory", str(folder)]
    command = [docker_command(), "compose", "--project-name", project, *where, *arguments]
    return subprocess.Popen(command, text=True, env={**os.environ, **(variables or {})}, **options)


def run_compose(
    arguments: Sequence[str],
    *,
    project: str,
    folder: Path | None = None,
    rendered: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run `docker compose` to its end and return what it printed.

    Raises:
        KitError: it failed; the message is its last line.
    """
    process = compose(
        arguments,
        project=project,
        folder=folder,
        rendered=rendered,
        variables=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    out, err = process.communicate()
    if process.returncode:
        raise KitError(f"docker compose {arguments[0]} failed: {last_line(err)}")
    return out
