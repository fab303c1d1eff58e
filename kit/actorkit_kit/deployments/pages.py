"""Pages of admin servers: asked from this machine, of many instances at a time."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

#: Longest wait for a page, in seconds, and how many are asked for at a time.
PATIENCE_S: Final = 2.0
AT_A_TIME: Final = 16

#: Asks without the proxy that the environment may name: what is asked is on this machine, or behind a way of our own.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Page:
    """What an admin server answered."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace").strip()


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


def fetch(address: str, path: str, patience_s: float = PATIENCE_S) -> Page | None:
    """A page of the admin server at `host:port`; None where nobody answers in time."""
    try:
        with _DIRECTLY.open(f"http://{address}{path}", timeout=patience_s) as answer:
            return Page(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, error.read())
    except (OSError, ValueError):
        return None
