"""Installs what an image needs. It runs inside the build, on the image's Python, with nothing but pip there.

`runtime`: the dependencies of the distribution, and its metadata, so that `actorkit[xml]` can be asked for later.
`actor`: an extra, and what the author's requirements.txt or pyproject.toml asks for, without what the runtime has
already and never in another version of it. With a lock: exactly what the lock names.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import py_compile
import shutil
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from actorkit_kit.image.inside import elf, pip, wanted

#: File beside this one with what a lock names for a stage, `runtime` or `actor`; there is none without a lock.
LOCK: Final = "locked-{}.json"
#: File among the packages that tells them: see `pip.Package`.
INSTALLED: Final = "installed.json"

#: What no running process reads: tests, headers, gevent's loops and resolver that the runtime does not choose, pyzmq's
#: other backend, its devices, its tunnels, its logging and its loop for Tornado, what prometheus-client has for other
#: frameworks and for reading metrics, zope.interface's interfaces of Python's own classes, pip's lists of files, lxml's
#: doctests and compiled copies of its modules that no hot way leads through, which are there as Python too, and Python
#: that the compiled pyzmq was made of.
DEAD_FOLDERS: Final = (
    "*.dist-info/RECORD",
    "gevent/_ffi",
    "gevent/libev/[!_]*.py",
    "gevent/libev/_corecffi_build.py",
    "gevent/libev/_corecffi*.so",
    "gevent/libuv",
    "gevent/resolver/cares*.so",
    "gevent/testing",
    "gevent/tests",
    "gevent/win32util.py",
    "greenlet/platform",
    "greenlet/tests",
    "lxml/builder*.so",
    "lxml/doctestcompare.py",
    "lxml/html/*.so",
    "lxml/includes",
    "lxml/sax*.so",
    "lxml/usedoctest.py",
    "prometheus_client/aiohttp",
    "prometheus_client/bridge",
    "prometheus_client/django",
    "prometheus_client/openmetrics/parser.py",
    "prometheus_client/twisted",
    "zmq/backend/cffi",
    "zmq/backend/cython/_zmq.py",
    "zmq/devices",
    "zmq/eventloop",
    "zmq/log",
    "zmq/ssh",
    "zmq/tests",
    "zope/interface/common",
    "zope/interface/tests",
)
#: What no stock actor reads; an author's own may.
DEAD_IN_STOCK: Final = ("lxml/html", "lxml/objectify*.so")
#: What no running process reads: C's, Cython's and type checkers' sources.
DEAD_SUFFIXES: Final = frozenset((".c", ".cc", ".cpp", ".cmd", ".h", ".hpp", ".pyx", ".pxd", ".pxi", ".pyi"))


def main() -> None:
    """Parse the command line and install."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("runtime", "actor"))
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--project", type=Path)
    parser.add_argument("--extra", default="")
    parser.add_argument("--code", type=Path)
    parser.add_argument("--package", default="")
    given = parser.parse_args()
    given.target.mkdir(parents=True, exist_ok=True)
    lock = Path(__file__).with_name(LOCK.format(given.what))
    if lock.is_file():
        installed = install_locked(json.loads(lock.read_text(encoding="utf-8")), given.target, given.code)
    elif given.what == "runtime":
        installed = pip.install("--target", str(given.target), *project_of(given.project)["dependencies"])
    else:
        extra = [[f"actorkit[{given.extra}]"]] if given.extra else []
        installed = add([*extra, *wanted.groups(given.code, given.package)], given.target, given.code)
    if given.what == "runtime":
        write_metadata(project_of(given.project), given.target)
    if installed:
        (given.target / INSTALLED).write_text(json.dumps(installed), encoding="utf-8")
    stock = given.code is not None and (given.code / "actorkit_actors").is_dir() and not given.package
    strip(given.target, DEAD_FOLDERS + (DEAD_IN_STOCK if stock else ()))
    compileall.compile_dir(
        given.target, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, legacy=False
    )


def project_of(file: Path) -> dict[str, Any]:
    """The table [project] of a pyproject.toml."""
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))["project"])


def install_locked(lock: dict[str, list[str]], target: Path, folder: Path | None) -> list[pip.Package]:
    """Install exactly what a lock names: `hashed`, lines of requirements with hashes; `local`, paths in `folder`."""
    installed: list[pip.Package] = []
    if lock["hashed"]:
        lines = Path("locked.txt").absolute()
        lines.write_text("".join(f"{line}\n" for line in lock["hashed"]), encoding="utf-8")
        command = ["--target", str(target.absolute()), "--no-deps", "--require-hashes", "--requirement", str(lines)]
        installed += pip.install(*command)
    if lock["local"]:
        installed += pip.install("--target", str(target.absolute()), "--no-deps", *lock["local"], folder=folder)
    return installed


def add(groups: list[list[str]], target: Path, folder: Path) -> list[pip.Package]:
    """Install `groups` into `target`, less what PYTHONPATH has; the versions there are held. Paths begin in `folder`.

    pip's `--target` looks at nothing that is installed, so a prefix takes the files first.
    """
    prefix = Path("prefix").absolute()
    scheme = sysconfig.get_preferred_scheme("prefix")
    places = {"base": str(prefix), "platbase": str(prefix)}
    folders = [sysconfig.get_path(kind, scheme=scheme, vars=places) for kind in ("purelib", "platlib")]
    there = [entry for entry in os.environ.get("PYTHONPATH", "").split(":") if entry]
    installed = []
    for group in groups:
        held = Path("held.txt").absolute()
        held.write_text("".join(f"{line}\n" for line in held_versions([*folders, *there])), encoding="utf-8")
        found = {"PYTHONPATH": ":".join([*there, *folders])}
        command = ["--prefix", str(prefix), "--constraint", str(held), *group]
        installed += pip.install(*command, folder=folder, environ=found)
    for installed_at in dict.fromkeys(folders):
        if Path(installed_at).is_dir():
            shutil.copytree(installed_at, target, dirs_exist_ok=True, symlinks=True)
    return installed


def held_versions(folders: list[str]) -> list[str]:
    """Constraints that hold what is installed in folders in its version."""
    here = {found.name: found.version for found in metadata.distributions(path=folders) if found.name != "actorkit"}
    return [f"{name}=={version}" for name, version in sorted(here.items())]


def write_metadata(project: dict[str, Any], target: Path) -> None:
    """Write the metadata of the distribution itself, whose packages are copied and not installed."""
    lines = ["Metadata-Version: 2.3", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    for extra, requirements in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [
            f'Requires-Dist: {requirement}; extra == "{extra}"'
            for requirement in requirements
            if ";" not in requirement
        ]
    folder = target / f"{project['name']}-{project['version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    (folder / "INSTALLER").write_text("pip\n")
    (folder / "RECORD").write_text("")


def strip(target: Path, patterns: tuple[str, ...]) -> None:
    """Delete what no running process reads."""
    for path in [path for pattern in patterns for path in target.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in target.glob("*.dist-info/METADATA"):
        # The fields are asked for; the description that follows them is a page for people.
        path.write_bytes(path.read_bytes().partition(b"\n\n")[0] + b"\n")
    for path in [path for path in target.rglob("*") if path.is_file()]:
        if path.suffix in DEAD_SUFFIXES:
            path.unlink()
        elif ".so" in path.suffixes:
            elf.strip(path)
    shutil.rmtree(target / "bin", ignore_errors=True)


if __name__ == "__main__":
    main()
