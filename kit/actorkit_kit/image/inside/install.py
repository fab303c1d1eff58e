"""Installs what an image needs. It runs inside the build, on the image's Python, with nothing but pip there.

`runtime`: the dependencies of the distribution, and its metadata, so that `actorkit[xml]` can be asked for later.
`actor`: an extra, and what the author's requirements.txt or pyproject.toml asks for, without what the runtime has
already and never in another version of it.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from actorkit_kit.image.inside import elf

#: What no running process reads: tests, headers, gevent's loops and resolver that the runtime does not choose, what
#: prometheus-client has for other frameworks, pip's lists of files, and compiled copies of lxml.html's modules, which
#: are there as Python too.
DEAD_FOLDERS: Final = (
    "*.dist-info/RECORD",
    "gevent/libev/_corecffi*.so",
    "gevent/libuv",
    "gevent/resolver/cares*.so",
    "gevent/testing",
    "gevent/tests",
    "greenlet/platform",
    "greenlet/tests",
    "lxml/html/*.so",
    "lxml/includes",
    "prometheus_client/aiohttp",
    "prometheus_client/django",
    "prometheus_client/twisted",
    "zmq/tests",
    "zope/interface/common/tests",
    "zope/interface/tests",
)
#: What no stock actor reads; an author's own may.
DEAD_IN_STOCK: Final = ("lxml/html", "lxml/isoschematron", "lxml/objectify*.so")
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
    given = parser.parse_args()
    given.target.mkdir(parents=True, exist_ok=True)
    if given.what == "runtime":
        project = tomllib.loads(given.project.read_text())["project"]
        pip("--target", str(given.target), *project["dependencies"])
        write_metadata(project, given.target)
    else:
        extra = [f"actorkit[{given.extra}]"] if given.extra else []
        wanted = [*extra, *authors_requirements(given.code)]
        if wanted:
            add(wanted, given.target, given.code)
    stock = given.code is not None and (given.code / "actorkit_actors").is_dir()
    strip(given.target, DEAD_FOLDERS + (DEAD_IN_STOCK if stock else ()))
    compileall.compile_dir(
        given.target, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, legacy=False
    )


def authors_requirements(code: Path) -> list[str]:
    """What the author's folder asks for, as arguments of pip: its requirements.txt, its pyproject.toml's dependencies.

    The folder itself is copied, so its own build system is never asked.
    """
    wanted = ["--requirement", "requirements.txt"] if (code / "requirements.txt").is_file() else []
    project = code / "pyproject.toml"
    if project.is_file():
        try:
            table = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            sys.exit(f"pyproject.toml cannot be read: {exc}")
        if "dependencies" in table.get("dynamic", ()) and not wanted:
            sys.exit(
                "pyproject.toml computes its dependencies (dynamic). Write them there, or into a requirements.txt."
            )
        wanted += table.get("dependencies", [])
    return wanted


def pip(*arguments: str, folder: Path | None = None) -> None:
    """Run `pip install` in a folder; its message is the build's, and so is its status."""
    command = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-compile", "--quiet"]
    quiet = ["--disable-pip-version-check", "--root-user-action=ignore"]
    done = subprocess.run([*command, *quiet, *arguments], check=False, cwd=folder)
    if done.returncode:
        sys.exit(done.returncode)


def add(wanted: list[str], target: Path, folder: Path) -> None:
    """Install `wanted` into `target`, less what PYTHONPATH has; the versions there are held. Paths begin in `folder`.

    pip's `--target` looks at nothing that is installed, so a prefix takes the files first.
    """
    prefix = Path("prefix").absolute()
    held = Path("held.txt").absolute()
    runtime = [entry for entry in os.environ.get("PYTHONPATH", "").split(":") if entry]
    here = {found.name: found.version for found in metadata.distributions(path=runtime) if found.name != "actorkit"}
    held.write_text("".join(f"{name}=={version}\n" for name, version in sorted(here.items())))
    pip("--prefix", str(prefix), "--constraint", str(held), *wanted, folder=folder)
    scheme = sysconfig.get_preferred_scheme("prefix")
    for kind in ("purelib", "platlib"):
        installed = sysconfig.get_path(kind, scheme=scheme, vars={"base": str(prefix), "platbase": str(prefix)})
        if Path(installed).is_dir():
            shutil.copytree(installed, target, dirs_exist_ok=True, symlinks=True)


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
    for path in [path for path in target.rglob("*") if path.is_file()]:
        if path.suffix in DEAD_SUFFIXES:
            path.unlink()
        elif ".so" in path.suffixes:
            elf.strip(path)
    shutil.rmtree(target / "bin", ignore_errors=True)


if __name__ == "__main__":
    main()
