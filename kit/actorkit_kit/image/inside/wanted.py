"""What an author's folder asks for: its requirements.txt, and the dependencies that its pyproject.toml names."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def groups(code: Path, package: str = "") -> list[list[str]]:
    """Arguments of pip, a list for each time that it has to be run, in order.

    `package` publishes the actor; the folder's lines say where it is found, and a wheel that they name is the package.

    Where a file has hashes pip wants one for everything: what pyproject.toml asks for comes after it then. The folder
    itself is copied, so its own build system is never asked.
    """
    file = code / "requirements.txt"
    listed = ["--requirement", "requirements.txt"] if file.is_file() else []
    named = _dependencies(code / "pyproject.toml", bool(listed))
    if listed and (named or package) and has_hashes(file):
        return [listed, [*named, *([package] if package else [])]]
    whole = [*listed, *named, *(_after(package) if package else [])]
    return [whole] if whole else []


def _after(package: str) -> list[str]:
    """Asks for a package in a file of its own: pip reads files in their order, and has to know of a wheel by then."""
    file = Path("package.txt").absolute()
    file.write_text(f"{package}\n", encoding="utf-8")
    return ["--requirement", str(file)]


def has_hashes(file: Path) -> bool:
    """Whether pip takes a file of requirements as one with hashes."""
    text = file.read_text(encoding="utf-8", errors="replace")
    return "--hash" in text or "--require-hashes" in text


def _dependencies(project: Path, has_list: bool) -> list[str]:
    if not project.is_file():
        return []
    try:
        table = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        sys.exit(f"pyproject.toml cannot be read: {exc}")
    if not isinstance(table, dict) or not isinstance(table.get("dependencies", []), list):
        sys.exit("pyproject.toml has no table [project] with a list of dependencies. Write one.")
    if "dependencies" in table.get("dynamic", ()) and not has_list:
        sys.exit("pyproject.toml computes its dependencies (dynamic). Write them there, or into a requirements.txt.")
    return list(table.get("dependencies", []))
