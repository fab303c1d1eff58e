"""Templates: folders of files, shipped as data, whose texts and names have places for words (Jinja's `{{ name }}`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from actorkit_kit.assets import asset, files_under
from actorkit_kit.errors import KitError, UsageError

#: The folder with all of them.
TEMPLATES: Final = "templates"
#: What the name of each of their files ends in; the file that is made of it has it no more.
SUFFIX: Final = ".jinja"

#: What an author gets is no page of HTML.
_JINJA: Final = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)


def actor_kinds() -> list[str]:
    """What an actor may take, as there are templates for it."""
    return sorted(path.name for path in (asset(TEMPLATES) / "actor").iterdir() if path.is_dir())


def fill_in(template: str, words: Mapping[str, str]) -> dict[str, str]:
    """The files of a template: path in the new folder → text."""
    root = asset(TEMPLATES) / template
    found = {}
    for path in files_under(root):
        name = _JINJA.from_string(str(path.relative_to(root)).removesuffix(SUFFIX)).render(words)
        found[name] = _JINJA.from_string(path.read_text(encoding="utf-8")).render(words)
    return found


def write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write new files, and the folders that they need; where they are.

    Raises:
        UsageError: one of them is there already; nothing has been written then.
        KitError: one cannot be written.
    """
    paths = {folder / name: text for name, text in files.items()}
    for path in paths:
        if path.exists():
            raise UsageError(f'"{path}" is there already. Choose another name, or take it away first.')
    for path, text in paths.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise KitError(f'"{path}" cannot be written: {exc.strerror}.') from exc
    return list(paths)
