"""Sources of packages, for what only these have: suites of test cases, above all."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

from tests import needs


def sdist(name: str, folder: Path) -> Path:
    """The unpacked source distribution of an installed package, of the very same version."""
    what = f"{name}=={metadata.version(name)}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, what]
    done = subprocess.run([*command, "--dest", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        needs.missing(f"needs the source distribution of {what}")
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def go_module(name: str, version: str) -> Path:
    """A module of Go, as its own client keeps it."""
    command = [needs.tool("go"), "mod", "download", "-json", f"{name}@{version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        needs.missing(f"needs the module {name}@{version} of Go")
    return Path(json.loads(done.stdout)["Dir"])
