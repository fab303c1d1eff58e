"""What a test needs from the machine: without it the test is skipped in one line, or fails when CI is set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

#: Variable with the command that loads an image of the engine into the cluster: `kind load docker-image`, for example.
CLUSTER_LOAD = "CLUSTER_LOAD"


def missing(what: str) -> NoReturn:
    """Skip the test; in CI, where nothing may be missing, fail it."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{what}, and CI=true", pytrace=False)
    pytest.skip(what)


def tool(name: str) -> str:
    """The path of a command; tools that came with Python's packages are found beside the interpreter."""
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), beside])
    return shutil.which(name, path=path) or missing(f"needs the command {name}")


def judge(name: str) -> str:
    """The path of a judge of what is rendered. Not every registry of packages has them, so without one the test is
    skipped in CI as well."""
    return shutil.which(name) or pytest.skip(f"needs the command {name}: .ci/judges installs it")


def engine() -> None:
    """A Docker Engine and compose, version 2."""
    done = subprocess.run([tool("docker"), "info"], capture_output=True, text=True, check=False)
    if done.returncode:
        missing("needs a Docker Engine")
    if subprocess.run([tool("docker"), "compose", "version"], capture_output=True, check=False).returncode:
        missing("needs docker compose, version 2")


def image(name: str, *, otherwise: str = "") -> None:
    """An image on the engine: `otherwise` is taken for it, else it is pulled."""
    docker = tool("docker")
    if subprocess.run([docker, "image", "inspect", name], capture_output=True, check=False).returncode == 0:
        return
    if otherwise and subprocess.run([docker, "tag", otherwise, name], capture_output=True, check=False).returncode == 0:
        return
    if subprocess.run([docker, "pull", "--quiet", name], capture_output=True, check=False).returncode:
        missing(f"needs the image {name}")


def cluster() -> list[str]:
    """A Kubernetes cluster and helm; the command that loads an image into the cluster."""
    tool("helm")
    done = subprocess.run([tool("kubectl"), "get", "nodes"], capture_output=True, text=True, check=False)
    if done.returncode or "Ready" not in done.stdout:
        missing("needs a Kubernetes cluster")
    load = os.environ.get(CLUSTER_LOAD) or missing(
        f"needs {CLUSTER_LOAD}: the command that loads an image into the cluster"
    )
    return load.split()
