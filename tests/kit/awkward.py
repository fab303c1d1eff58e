"""Topologies of awkward names and values, and what their actors must say that they got; for tests of every target.

Each actor answers an HTTP request at `/NAME` with all that it was given, and a test compares it with what was written.
"""

from __future__ import annotations

import hashlib
import json
import random
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

CODE: Final = '''\
import hashlib
import os
from typing import Annotated, Any

from msgspec import Meta

from actorkit import Actor, Event


class Report(Actor):
    """Answers with all that it was given."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        text: str = ""
        note: str | None = None
        data: Any = None
        page: str = ""
        blob: bytes = b""
        sealed: Annotated[bytes, Meta(extra={"secret": True})] = b""
        shown: Annotated[bytes, Meta(extra={"secret": True})] = b""

    def consume(self, event: Event) -> Event:
        given = self.params
        said = {name: getattr(given, name) for name in ("text", "note", "data", "page")}
        said |= {name: hashlib.sha256(getattr(given, name)).hexdigest() for name in ("blob", "sealed", "shown")}
        variables = {name: value for name, value in os.environ.items() if name != "AWKWARD_SECRET"}
        return event.replace(data={**said, "env": variables})
'''

#: Variable of the author's environment that holds a secret, and its content.
VARIABLE: Final = "AWKWARD_SECRET"
IN_VARIABLE: Final = b" \xff\xfe$HOME\r\n\t'\""

#: The longest actors' names, which are the same in their first 39 characters.
LONG: Final = "a" * 39
NAMES: Final = ("n", "y", "on", "off", "null", "e3", "x1", "no", "true", f"{LONG}b", f"{LONG}c", "web-http", "o0x1")
FILES: Final = ("ü b.txt", "$HOME", "*.bin", "-f", "a:b", "{{x}}.txt", "#", "~", "f" * 250, "a\nb", "'\"", "1e3", " ")
SECRETS: Final = (
    *("web_users", "web-users", "a b", "on", "s" * 70, "ключ", "x.tgz", ".DS_Store", "..data", "k:v", "$HOME", "{{x}}"),
    *("*", "-f", "0x1", "a\nb", "ci", "~", "S" * 250),
)
VARIABLES: Final = ("NO", "Y", "on", "_", "e1", "PASSWORD", "REFERENCE", "x1", "TIME_", "null")

#: Texts that some reader of YAML, of a template or of an environment may take for something else.
AWKWARD_TEXTS: Final = (
    *("", " ", "\n", "\n\n a", " a ", "a\n", "a\r\nb\r", "\ta", "a \nb", "- a", "a: b", "# a", "&a", "*a", "!a"),
    *("y", "NO", "null", "~", "1e3", "0x1", "010", "1_000", "1:30", "2001-12-14", ".inf", "<<", "=", "true", "%a"),
    *("$", "$$", "${X}", "$HOME", "$(HOME)", "$$(HOME)", "${X:-y}", "${", "{{ .Values }}", "{{", "}}", "{% x %}"),
    *("'", '"', "`", "\\", "\\n", '\\"', "'\"", "|", ">", "|2-\n a", "\x7f", "\x85", "\u2028", "\ufeff"),
    *("😀", "\U0010ffff", "\uffff", "e\u0301", "\u202e", "\x01\x1b[2J", "\xa0", "%s", "a" * 5000, "word " * 400),
)
TEXTS: Final = st.one_of(
    st.sampled_from(AWKWARD_TEXTS),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    st.text("$\\\"'{}\n\r\t :#-a😀", max_size=12),
)


def _is_key(text: str) -> bool:
    """Whether YAML takes it for a key: at most 1024 characters (YAML 1.2.2 §7.4.2), also where they are escapes."""
    return len(json.dumps(text)) < 1000


NUMBERS: Final = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DATA: Final = st.recursive(
    TEXTS | st.none() | st.booleans() | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(_is_key), inner, max_size=3),
    max_leaves=8,
)
AWKWARD_BYTES: Final = (
    *(b"", b"\0", b"\xef\xbb\xbfa", b"\xef\xbb\xbf\xef\xbb\xbf", b"a\r\n", b"\n", b" \n", b"{{ .x }}$$", b"\xff" * 9),
)
BYTES: Final = st.binary(max_size=200) | st.sampled_from(AWKWARD_BYTES)


@dataclass(frozen=True)
class Given:
    """What one actor gets: parameters that stand in the topology, a file of text, files, secrets, variables."""

    text: str = ""
    note: str | None = None
    data: Any = None
    page: str = ""
    blob: bytes = b""
    sealed: bytes = b""
    env: dict[str, str] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """What the actor says that it got, but for its environment."""
        hashes = {"blob": self.blob, "sealed": self.sealed, "shown": IN_VARIABLE}
        texts = {"text": self.text, "note": self.note, "data": self.data, "page": self.page}
        return {**texts, **{name: hashlib.sha256(content).hexdigest() for name, content in hashes.items()}}


GIVEN: Final = st.builds(
    Given,
    text=TEXTS,
    note=st.none() | TEXTS,
    data=DATA,
    page=TEXTS,
    blob=BYTES,
    sealed=BYTES,
    env=st.dictionaries(st.sampled_from(VARIABLES), TEXTS, max_size=4),
)


def drawn() -> list[Given]:
    """One for each of `NAMES`, the same in each run; the last gets more than fits into a variable, and large files."""
    count = len(NAMES)
    found: list[Given] = []

    @settings(
        max_examples=count * 8,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(GIVEN)
    def collect(one: Given) -> None:
        found.append(one)

    collect()
    chance = random.Random(7)
    large = Given(
        text="ü$ {{\n" * 40_000,
        page="é\r\n" * 30_000,
        blob=chance.randbytes(100_000),
        sealed=chance.randbytes(50_000),
        env={"NO": "$ \n" * 40_000},
    )
    # Each awkward text is a variable of some actor besides.
    last = [
        replace(one, env=one.env | dict(zip(VARIABLES, AWKWARD_TEXTS[n * len(VARIABLES) :], strict=False)))
        for n, one in enumerate(found[-count + 1 :])
    ]
    return [
        replace(last[0], data={"all": list(AWKWARD_TEXTS), **dict.fromkeys(filter(_is_key, AWKWARD_TEXTS))}),
        *last[1:],
        large,
    ]


def write(folder: Path, name: str, port: int, given: Iterable[Given]) -> dict[str, Given]:
    """Write the topology, its code, files and secrets into a folder; actor → what it gets."""
    (folder / "code" / "report").mkdir(parents=True)
    (folder / "code" / "report" / "__init__.py").write_text(CODE)
    (folder / "files").mkdir()
    (folder / "secrets").mkdir()
    expected = dict(zip(NAMES, given, strict=True))
    actors: dict[str, Any] = {
        "web": {"uses": "http-server", "params": {"routes": [{"path": "/<queue>"}]}, "expose": {"http": port}}
    }
    for number, (actor, one) in enumerate(expected.items()):
        file, page, secret = FILES[number], f"page {number}", SECRETS[number]
        (folder / "files" / file).write_bytes(one.blob)
        (folder / "files" / page).write_bytes(one.page.encode())
        (folder / "secrets" / secret).write_bytes(one.sealed)
        params = {"text": one.text, "note": one.note, "data": one.data, "page": {"file": f"files/{page}"}}
        params |= {"blob": {"file": f"files/{file}"}, "sealed": {"secret": secret}, "shown": {"secret": "from-env"}}
        actors[actor] = {"uses": "report:Report", "build": "./code", "params": params, "env": one.env}
    topology = {
        "name": name,
        "actors": actors,
        "connections": [f"web -> {actor} -> web" for actor in expected],
        "secrets": {"from-env": {"env": VARIABLE}},
        "clear": True,
    }
    # JSON is YAML; like most writers of JSON, this one writes what is beyond ASCII as escapes.
    (folder / "topology.yaml").write_text(json.dumps(topology))
    return expected


def check(url: str, expected: dict[str, Given]) -> None:
    """See that each actor got what was written for it."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    for actor, one in expected.items():
        request = urllib.request.Request(f"{url}/{actor}", data=b"{}", headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            said = json.load(answer)
        variables = said.pop("env")
        for name, wanted in one.said().items():
            assert said[name] == wanted, f"{actor}: {name}"
        for name, wanted in one.env.items():
            assert variables.get(name) == wanted, f"{actor}: {name}"
