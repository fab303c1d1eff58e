"""What must not be shown: which header fields hold credentials, and the values of secret parameters.

One place for all that people read: logs, failures, dead letters, the actor stdout. A process learns the secrets of its
actors when their parameters are read; more header fields come from the topology's `secret_headers`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from actorkit.observe import texts

#: Header fields that hold credentials, in lower case: RFC 9110 §11.6 and §11.7, RFC 6265, and two that many use.
SECRET_HEADERS: Final = frozenset(
    ("authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token")
)

#: What is shown in the place of a secret.
MASK: Final = "[secret]"

#: Shorter values are not looked for, in characters: they would stand in every other word.
SHORTEST: Final = 4

#: A name of what may be a secret, and a URL up to its password and what follows that.
_SECRET_NAME: Final = re.compile(r"passw|secret|token|credential|api_?key|private_?key", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"([a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+@", re.IGNORECASE)

#: How many characters a line of a long secret (a key, say) has at least to be searched for by itself.
SHORTEST_LINE: Final = 16


class _Known:
    """What this process has learned. Strings only grow in number while actors are set up."""

    def __init__(self) -> None:
        self.headers = SECRET_HEADERS
        self.values: tuple[str, ...] = ()
        #: Secrets that are no text, as they are; `values` has what they are written as.
        self.contents: frozenset[bytes] = frozenset()


_known = _Known()


def learn(value: object) -> None:
    """Remember a secret: a text or bytes, or all of them inside lists and mappings. Lines of a longer text count by
    themselves. Bytes are remembered as what they may be shown as, too: text, `repr`, base64, hexadecimal digits."""
    found = set(_known.values)
    contents = {one.strip() for one in _leaves(value) if isinstance(one, bytes)}
    _known.contents |= {content for content in contents if len(content) >= SHORTEST}
    for text in _texts(value):
        found.add(text.strip())
        found.update(line.strip() for line in text.splitlines() if len(line.strip()) >= SHORTEST_LINE)
    # The longest first, so that nothing is left of a secret that holds another one.
    _known.values = tuple(sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True))


def learn_headers(names: Iterable[str]) -> None:
    """Count more header fields as secret, in any case."""
    _known.headers = _known.headers | {name.lower() for name in names}


def forget() -> None:
    """Know nothing but `SECRET_HEADERS`."""
    _known.__init__()  # type: ignore[misc]  # as it was made


def _texts(value: object) -> Iterable[str]:
    for one in _leaves(value):
        if isinstance(one, str):
            yield one
        elif len(one.strip()) >= SHORTEST:
            yield from _written(one)
            yield from _written(one.strip())


def _written(content: bytes) -> Iterable[str]:
    """The texts that bytes may be shown as."""
    yield content.hex()
    yield repr(content)[2:-1]
    for encoded in (base64.b64encode(content), base64.urlsafe_b64encode(content)):
        yield encoded.decode().rstrip("=")
    try:
        yield content.decode().strip()
    except UnicodeDecodeError:
        yield content.decode("latin-1").strip()


def _leaves(value: object) -> Iterable[str | bytes]:
    """The texts and bytes inside a value, itself included."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            yield one
        elif isinstance(one, Mapping):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)


def text(shown: str) -> str:
    """The text with `MASK` where a secret stood."""
    # In one go, for a secret may be a part of the mask; among those that are there, as there may be thousands.
    found = [re.escape(secret) for secret in _known.values if secret in shown]
    return re.sub("|".join(found), MASK, shown) if found else shown


def value(shown: Any) -> Any:
    """The JSON-like value, `MASK` in all its texts; itself where this process knows no secret."""
    return texts.change_texts(shown, text) if _known.values else shown


def tree(shown: Any) -> Any:
    """The JSON-like value, `MASK` in all its texts and for each header field that holds credentials, at any depth."""
    if isinstance(shown, Mapping):
        return {name: MASK if str(name).lower() in _known.headers else tree(one) for name, one in shown.items()}
    return [tree(one) for one in shown] if isinstance(shown, list | tuple) else value(shown)


def unsure(shown: Any, name: str = "") -> Any:
    """The JSON-like value, `MASK` for what nobody has called a secret and may be one: a text under a `name` like
    `api_key`, at any depth, and the password in a URL. A file's path is none."""
    if isinstance(shown, Mapping):
        return {key: one if key == "file" else unsure(one, str(key)) for key, one in shown.items()}
    if isinstance(shown, list | tuple):
        return [unsure(one, name) for one in shown]
    if not isinstance(shown, str):
        return shown
    return MASK if shown and _SECRET_NAME.search(name) else _URL_PASSWORD.sub(rf"\1{MASK}@", shown)


def is_secret(name: str, content: str = "") -> bool:
    """Whether a header field must not be shown: for its name, or for what it holds."""
    return name.lower() in _known.headers or any(secret in content for secret in _known.values)


def headers(shown: Mapping[str, str]) -> dict[str, str]:
    """The header fields that may be shown."""
    return {name: content for name, content in shown.items() if not is_secret(name, content)}


def pairs(shown: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The header fields, as pairs, that may be shown."""
    return [(name, content) for name, content in shown if not is_secret(name, content)]


def may_hold_secret(content: bytes) -> bool:
    """Whether bytes that cannot be read name a header field that holds credentials, or hold a secret."""
    lower = content.lower()
    return (
        any(name.encode() in lower for name in _known.headers)
        or any(secret.encode(errors="replace") in content for secret in _known.values)
        or any(secret in content for secret in _known.contents)
    )
