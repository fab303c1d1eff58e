"""Actors that installed packages publish: entry points of one group, `shop-tax = "shop.tax:Tax [extra]"`.

Metadata alone is read; nothing of a package is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

from actorkit.graph import NAME

#: The group of entry points.
GROUP: Final = "actorkit.actors"


@dataclass(frozen=True, order=True)
class Publication:
    """An actor that a package publishes: `extra` is the package's own that it needs ("": none, several with commas).

    `source` is where the package was installed from when no index was asked, as an address; "" otherwise.
    """

    name: str
    class_path: str
    extra: str
    package: str
    version: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.class_path} of {self.package} {self.version}"


@cache
def publications() -> tuple[Publication, ...]:
    """All of them, sorted by name; one name may stand there twice. What names no actor is left out."""
    return tuple(sorted(_found()))


def publications_of(name: str) -> tuple[Publication, ...]:
    """Those of that name: more than one where packages collide."""
    return tuple(each for each in publications() if each.name == name)


def _found() -> Iterator[Publication]:
    for point in metadata.entry_points(group=GROUP):
        package = point.dist
        if NAME.match(point.name) and point.module and point.attr and package is not None:
            extra = ",".join(sorted(point.extras))
            path = f"{point.module}:{point.attr}"
            yield Publication(point.name, path, extra, package.name, package.version, _source(package))


def _source(package: metadata.Distribution) -> str:
    """The address of a direct URL ("Recording the Direct URL Origin of installed distributions", PyPA)."""
    try:
        told = json.loads(package.read_text("direct_url.json") or "{}")
        return f"{told['vcs_info']['vcs']}+{told['url']}" if "vcs_info" in told else str(told.get("url", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
