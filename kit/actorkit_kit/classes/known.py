"""Every actor that `uses` may name: the stock ones, and those that installed packages publish."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from actorkit.publication import Publication, publications, publications_of
from actorkit_actors.catalogue import CATALOGUE, Entry, declarations

#: Where a package was installed from that an image has no part in.
_OF_THIS_MACHINE: Final = "file:"
#: What pip needs a program for that no image has.
_VERSION_CONTROL: Final = ("git+", "hg+", "svn+", "bzr+")


def names() -> list[str]:
    """All names, sorted. No file is parsed."""
    return sorted({*CATALOGUE, *(each.name for each in publications())})


def entry_of(uses: str) -> Entry | None:
    """The entry for a name or a class path; None for users' classes. A name that two have is the stock actor's."""
    if uses in CATALOGUE:
        return CATALOGUE[uses]
    for each in publications():
        if uses in (each.name, each.class_path):
            return _entry(each)
    if not is_stock(uses):
        return None
    return next((entry for entry in CATALOGUE.values() if entry.class_path == uses), None)


def is_stock(class_path: str) -> bool:
    """Whether a class comes with actorkit."""
    return class_path.split(":")[0].split(".")[0] in ("actorkit", "actorkit_actors")


def entries() -> Mapping[str, Entry]:
    """All of them by name."""
    return {name: entry for name in names() if (entry := entry_of(name)) is not None}


def collision(name: str) -> str:
    """What is wrong with a name that more than one actor has, and what to write; "" where one has it."""
    others = publications_of(name)
    if not others or (len(others) == 1 and name not in CATALOGUE):
        return ""
    stock = [f"the stock actor {CATALOGUE[name].class_path}"] if name in CATALOGUE else []
    told = " and ".join([*stock, *map(str, others)])
    return f'"{name}" is the name of {told}. Write the class that you mean: uses: {others[0].class_path}.'


def requirement(class_path: str) -> str:
    """What pip installs for a published class, in the version that is here; "" for all other classes."""
    found = _publication(class_path)
    if found is None:
        return ""
    what = f"{found.package}[{found.extra}]" if found.extra else found.package
    if found.source and not found.source.startswith((_OF_THIS_MACHINE, *_VERSION_CONTROL)):
        return f"{what} @ {found.source}"
    return f"{what}=={found.version}"


def out_of_reach(class_path: str) -> str:
    """Why no image can install the package of a class by itself, and what to do; "" where it can."""
    found = _publication(class_path)
    if found is None or not found.source.startswith((_OF_THIS_MACHINE, *_VERSION_CONTROL)):
        return ""
    todo = "Add build: with a folder whose requirements.txt names its wheel there, or an index that has it"
    return f"{found.package} {found.version} was installed from {found.source}, which no image has. {todo}."


def _publication(class_path: str) -> Publication | None:
    if is_stock(class_path):
        return None
    return next((each for each in publications() if each.class_path == class_path), None)


@cache
def _entry(found: Publication) -> Entry:
    summary = _summary(found)
    return Entry(found.name, found.class_path, found.extra, summary, package=found.package, version=found.version)


def _summary(found: Publication) -> str:
    """The first line of the class's docstring, from its unimported file; "" where that is not to be had."""
    module, _, name = found.class_path.partition(":")
    folder = module.replace(".", "/")
    package = metadata.distribution(found.package)
    for path in (f"{folder}.py", f"{folder}/__init__.py"):
        try:
            source = Path(str(package.locate_file(path))).read_text(encoding="utf-8")
            return next((each.summary for each in declarations(source) if each.name == name), "")
        except (OSError, SyntaxError, ValueError):
            continue
    return ""
