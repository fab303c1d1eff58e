"""Finds out which packages images need, for `kit lock`. It runs in a container of the base image and installs nothing.

It reads `request.json` in its working folder: {"runtime": [requirement, …], "images": {repository: {"extra":
[requirement, …], "package": requirement or "", "code": folder or ""}}}, and writes `answer.json`: {"python": "3.13.5",
"images": {repository: [package, …]}}, where the packages of the runtime stand under "".
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

from actorkit_kit.image.inside import pip, wanted


def main() -> None:
    """Resolve everything that is asked for."""
    request = json.loads(Path("request.json").read_text(encoding="utf-8"))
    runtime = _resolve(request["runtime"], [])
    images: dict[str, list[pip.Package]] = {"": runtime}
    for repository, asked in sorted(request["images"].items()):
        found: list[pip.Package] = []
        if asked["extra"]:
            found += _resolve(asked["extra"], runtime)
        code = Path(asked["code"] or "no-code")
        for group in wanted.groups(code, asked["package"]):
            found += _resolve(group, [*runtime, *found], code if asked["code"] else None)
        images[repository] = sorted(found, key=lambda package: package["name"])
    answer = {"python": platform.python_version(), "images": images}
    Path("answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _resolve(asked: list[str], held: list[pip.Package], folder: Path | None = None) -> list[pip.Package]:
    """What pip would install, less what is there already, whose versions are held."""
    lines = [f"{package['name']}=={package['version']}\n" for package in held if "path" not in package]
    constraints = Path("held.txt").absolute()
    constraints.write_text("".join(lines), encoding="utf-8")
    found = pip.install("--dry-run", "--ignore-installed", "--constraint", str(constraints), *asked, folder=folder)
    there = {package["name"] for package in held}
    return [package for package in found if package["name"] not in there]


if __name__ == "__main__":
    main()
