"""Which files of an author's folder a class is made of: its module, and those that it imports, one by way of others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: What imports modules by names that no reader of the file knows.
_BY_NAME: Final = ("importlib", "__import__", "pkgutil", "runpy")


def files_of(class_path: str, folder: Path) -> frozenset[Path] | None:
    """The Python files in a folder that a class is made of. None where that cannot be told, since a file cannot be read
    or imports others by name: then all may be."""
    found: set[Path] = set()
    pending = list(_files_of_module(class_path.partition(":")[0], folder))
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (OSError, ValueError, SyntaxError):
            return None
        if any(word in text for word in _BY_NAME):
            return None
        for module in _imports(tree, path, folder):
            pending += _files_of_module(module, folder)
    return frozenset(found)


def _files_of_module(module: str, folder: Path) -> Iterator[Path]:
    """The files that importing a module runs: those of the packages around it, and its own."""
    here = folder
    for part in module.split("."):
        here = here / part
        for path in (here / "__init__.py", here.with_name(f"{part}.py")):
            if path.is_file():
                yield path


def _imports(tree: ast.Module, path: Path, folder: Path) -> Iterator[str]:
    """The modules that a file may import; what is imported from a module may be a module itself."""
    package = path.parent.relative_to(folder).parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else ())))
            yield base
            yield from (f"{base}.{name.name}" for name in node.names)
