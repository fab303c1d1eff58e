"""What has changed since an image was built last: the files and arguments that its tag follows from, kept beside the
topology.

The record only explains. Whether an image has to be built is a matter of its tag.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from actorkit_kit.image.build import Recipe
from actorkit_kit.kit_folder import keep, place_in
from actorkit_kit.plan.model import Plan

#: The record's name in the folder of a deployment.
RECORD: Final = "images.json"
#: Files that are named one by one; of more, the number is told.
MOST_NAMED: Final = 3
#: Where the author's code is in a build context.
_CODE: Final = "code/"


def record_path(plan: Plan) -> Path:
    """Where the record of a topology's images is kept."""
    return place_in(plan.base, plan.topology) / RECORD


def read_record(path: Path) -> dict[str, Any]:
    """The record by repository; empty where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_record(path: Path, wanted: Iterable[Recipe]) -> None:
    """Keep what the images are made of.

    Raises:
        KitError: the file cannot be written.
    """
    content = {recipe.repository: _entry(recipe) for recipe in wanted}
    keep(path, json.dumps(content, sort_keys=True) + "\n")


def _entry(recipe: Recipe) -> dict[str, Any]:
    files = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in recipe.context.items()}
    locked = hashlib.sha256(json.dumps(dict(recipe.locked), sort_keys=True).encode()).hexdigest()
    return {"tag": recipe.tag, "arguments": dict(recipe.arguments), "files": files, "locked": locked}


def lines(before: Mapping[str, Any], wanted: Iterable[Recipe]) -> list[str]:
    """A line for each image that changed, `execute: shop/actors.py changed → orders/execute:3f2a91bc07de`, and one for
    all the others."""
    changed, same = [], []
    for recipe in wanted:
        then = before.get(recipe.repository)
        name = recipe.repository if recipe.release else recipe.repository.rpartition("/")[2]
        if isinstance(then, dict) and then.get("tag") == recipe.tag:
            same.append(name)
        else:
            why = _why(then, recipe) if isinstance(then, dict) else "is new"
            changed.append(f"{name}: {why} → {recipe.tag}")
    return [*changed, f"unchanged: {', '.join(same)}"] if same else changed


def _why(then: Mapping[str, Any], recipe: Recipe) -> str:
    now, files = _entry(recipe), then.get("files", {})
    changed = sorted(name for name in {*files, *now["files"]} if files.get(name) != now["files"].get(name))
    own = [name.removeprefix(_CODE) for name in changed if name.startswith(_CODE)]
    said = [_verb(_CODE + name, name, files, now["files"]) for name in own[:MOST_NAMED]]
    if len(own) > MOST_NAMED:
        said = [f"{len(own)} files changed"]
    if len(own) < len(changed):
        said.append("actorkit changed")
    before = then.get("arguments", {})
    settings = {*before, *now["arguments"]} - {"RUNTIME", "VERSION"}
    said += [f"{name} changed" for name in sorted(settings) if before.get(name) != now["arguments"].get(name)]
    if then.get("locked") != now["locked"]:
        said.append("kit.lock changed")
    return ", ".join(said) or "what it is layered on changed"


def _verb(path: str, name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    if path not in before:
        return f"{name} is new"
    return f"{name} changed" if path in now else f"{name} is gone"
