"""Pages of admin servers: asked from this machine, of many instances at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

from actorkit.observe.fetch import Page

#: How many are asked at a time.
AT_A_TIME: Final = 16

#: Gets a page (`/readyz`) of the instance of a name; None where nobody answers.
Fetch: TypeAlias = Callable[[str, str], Page | None]


class Pages:
    """Asks instances by their names."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def get(self, path: str, names: Iterable[str]) -> dict[str, Page]:
        """A page of each instance, by its name; those that do not answer are left out."""
        wanted = list(names)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            found = pool.map(lambda name: self._fetch(name, path), wanted)
            return {name: page for name, page in zip(wanted, found, strict=True) if page is not None}
