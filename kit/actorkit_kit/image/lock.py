"""`kit.lock`: the base image by its digest, and every package of every image by its hash.

The file stands beside the topology. Where it is, images are built from it and from nothing else; what disagrees with it
is refused.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import actorkit
from actorkit_kit import assets, requirements
from actorkit_kit.errors import KitError
from actorkit_kit.plan.model import Image, Plan

#: The file's name.
FILE: Final = "kit.lock"
#: Version of the file's format.
FORMAT: Final = 1
#: The base image of the runtime, as the Dockerfile names it.
BASE: Final = "python:3.13-slim"
#: The repository of the image that all others are layered on.
RUNTIME: Final = "actorkit/runtime"
#: What a user does about a lock that disagrees.
_TODO: Final = "Say kit lock again."

#: What is told of a package, as `actorkit_kit.image.inside.pip.Package`.
Package = Mapping[str, str]


class ForeignLock(KitError):
    """Raised when the lock beside a topology belongs to another one."""


@dataclass(frozen=True)
class LockedImage:
    """What goes into an image: `asked` is a hash of what was asked for, `options` lead pip to other indexes."""

    asked: str
    packages: tuple[Package, ...]
    options: tuple[str, ...] = ()

    def for_build(self) -> str:
        """The content of `locked-STAGE.json`, which the build reads."""
        hashed = [_requirement(package) for package in self.packages if "path" not in package]
        local = [f"./{package['path']}" for package in self.packages if "path" in package]
        return json.dumps({"hashed": [*self.options, *hashed] if hashed else [], "local": local}, sort_keys=True)


@dataclass(frozen=True)
class Lock:
    """The whole file. `base` is a reference that means one image for ever; `images` goes by repository."""

    topology: str
    base: str
    platform: str
    python: str
    images: Mapping[str, LockedImage]
    actorkit: str = actorkit.__version__
    label: Path = field(default=Path(FILE), compare=False)

    def image(self, repository: str, asked: str) -> LockedImage:
        """The image of that repository, for which `asked` is asked for now.

        Raises:
            KitError: the lock has none, or was made for something else.
        """
        found = self.images.get(repository)
        if found is None:
            raise KitError(f'{self.label}: it has no image "{repository}". {_TODO}')
        if found.asked != asked:
            raise KitError(f'{self.label}: "{repository}" asks for other packages than when it was made. {_TODO}')
        return found

    def text(self) -> str:
        """The file's content, the same bytes for the same lock."""
        images = {
            name: {
                "asked": image.asked,
                "packages": [dict(package) for package in image.packages],
                **({"options": list(image.options)} if image.options else {}),
            }
            for name, image in self.images.items()
        }
        told = {name: getattr(self, name) for name in ("topology", "actorkit", "base", "platform", "python")}
        return json.dumps({"lock": FORMAT, **told, "images": images}, indent=1, sort_keys=True) + "\n"


def read(plan: Plan) -> Lock | None:
    """The lock of a topology; None where there is none.

    Raises:
        KitError: it cannot be read, or belongs to another topology or another version of actorkit.
    """
    path = plan.base / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["lock"] != FORMAT:
            raise KitError(f"{path}: it has format {found['lock']}, and this kit reads {FORMAT}. {_TODO}")
        images = {name: _image(told) for name, told in found["images"].items()}
        told = {name: str(found[name]) for name in ("topology", "actorkit", "base", "platform", "python")}
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise KitError(f'"{path}" cannot be read: {exc.strerror}.') from exc
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        raise KitError(f"{path}: this is no lock of kit's. {_TODO}") from exc
    if told["topology"] != plan.topology:
        todo = "Give each topology a folder of its own, or delete it."
        raise ForeignLock(f'{path}: it belongs to the topology "{told["topology"]}". {todo}')
    if told["actorkit"] != plan.version:
        raise KitError(f"{path}: it was made by actorkit {told['actorkit']}, and this is {plan.version}. {_TODO}")
    return Lock(images=images, label=path, **told)


def _image(told: Mapping[str, Any]) -> LockedImage:
    packages = tuple({str(key): str(text) for key, text in package.items()} for package in told["packages"])
    for package in packages:
        if not package["name"] or not package["version"] or ("path" not in package and not package["sha256"]):
            raise ValueError("a package without a hash")
    return LockedImage(str(told["asked"]), packages, tuple(map(str, told.get("options", ()))))


def _requirement(package: Package) -> str:
    """A line of requirements that means one file."""
    what = f"{package['name']} @ {package['url']}" if "url" in package else f"{package['name']}=={package['version']}"
    return f"{what} --hash=sha256:{package['sha256']}"


def project() -> Mapping[str, Any]:
    """The table [project] of actorkit's own pyproject.toml."""
    return dict(tomllib.loads(assets.asset("pyproject.toml").read_text(encoding="utf-8"))["project"])


def runtime_asks() -> list[str]:
    """The requirements of the runtime."""
    return list(project()["dependencies"])


def extra_asks(extra: str) -> list[str]:
    """The requirements of an extra of actorkit; empty for ""."""
    return list(project()["optional-dependencies"][extra]) if extra else []


def asks_hash(image: Image | None) -> str:
    """A hash of what an image asks for; None is the runtime's."""
    if image is None:
        what = [runtime_asks()]
    else:
        what = [extra_asks(image.extra), [requirements.digest(image.build)] if image.build is not None else []]
        what += [[image.package]] if image.package else []
    return f"sha256:{hashlib.sha256(json.dumps(what).encode()).hexdigest()}"


def changes(before: Lock | None, now: Lock) -> list[str]:
    """What is another now: a line for the base, one for each package of each image."""
    if before is None:
        return []
    lines = [f"base image: {before.base} → {now.base}"] if before.base != now.base else []
    for repository, image in now.images.items():
        then = before.images.get(repository)
        old = {package["name"]: package for package in then.packages} if then else {}
        new = {package["name"]: package for package in image.packages}
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                was, is_ = old.get(name, {}).get("version", "none"), new.get(name, {}).get("version", "none")
                lines.append(f"{repository}: {name} {was} → {is_}{' (another file)' if was == is_ else ''}")
    return lines
