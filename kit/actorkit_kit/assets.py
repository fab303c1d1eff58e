"""Where the files lie that `kit` ships beside its code: the Dockerfile, the chart, what Compose needs, and what
authors begin with.

In a checkout they stand at its root; a wheel holds them under `actorkit_kit/_assets`.
"""

from __future__ import annotations

from importlib import util
from pathlib import Path
from typing import Final

from actorkit_kit.errors import KitError

_HERE: Final = Path(__file__).resolve().parent
#: Folders and suffixes that are never part of what is shipped or built.
_IGNORED: Final = frozenset(("__pycache__", ".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".kit"))


def asset(name: str) -> Path:
    """The file or folder of that name: `Dockerfile`, `pyproject.toml`, `charts`, `compose`, `templates` or `examples`.

    Raises:
        KitError: the installation lacks it.
    """
    for root in (_HERE / "_assets", _HERE.parent.parent):
        if (root / name).exists():
            return root / name
    raise KitError(f'"{name}" is missing from this installation of actorkit. Install it again.')


def package(name: str) -> Path:
    """The folder of an installed package, without importing it.

    Raises:
        KitError: it is not installed.
    """
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise KitError(f'the package "{name}" is not installed. Install actorkit again.')
    return Path(next(iter(spec.submodule_search_locations)))


def image_scripts() -> Path:
    """The folder of what runs inside an image or its build."""
    return _HERE / "image" / "inside"


def files_under(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted, less caches and what tools leave behind."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(path for path in found if _IGNORED.isdisjoint(path.relative_to(folder).parts))
