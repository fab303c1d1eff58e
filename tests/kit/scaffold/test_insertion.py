"""One more actor in a topology file: all that is not about it stays byte for byte."""

from __future__ import annotations

import pytest

from actorkit_kit.errors import UsageError
from actorkit_kit.scaffold.insertion import Insertion

TEXT = """\
# The shop.
name:   shop

actors:
  web:   {uses: http-server}   # in
  auth:  {uses: pass-through,
          params: {concurrency: 2}}  # who
  # what goes out

# How they hang together.
connections:
- web -> auth -> web      # full circle
- {from: auth.audit, to: web, window: 5}

clear: true
"""


def with_actor(text: str, after: str = "") -> str:
    insertion = Insertion(text, "place")
    insertion.put_actor({"uses": '"shop.place:Place"', "build": "."})
    if after:
        insertion.put_after(after)
    return insertion.text()


def test_only_the_lines_of_the_actor_and_of_its_connections_are_others() -> None:
    changed = with_actor(TEXT, "auth").splitlines()
    gone = [line for line in TEXT.splitlines() if line not in changed]
    new = [line for line in changed if line not in TEXT.splitlines()]
    assert gone == ["- web -> auth -> web      # full circle"]
    assert new == [
        "  place:",
        '    uses: "shop.place:Place"',
        "    build: .",
        "- web -> auth -> place -> web      # full circle",
    ]
    assert changed.index("  place:") == changed.index("          params: {concurrency: 2}}  # who") + 1


def test_an_outbox_is_led_through_the_actor_with_its_options() -> None:
    changed = with_actor(TEXT, "auth.audit")
    assert "- {from: place, to: web, window: 5}\n- auth.audit -> place\n" in changed
    assert "- web -> auth -> web " in changed


def test_every_way_out_of_an_actor_leads_through_the_new_one() -> None:
    changed = with_actor(TEXT.replace("- web -> auth -> web", '- "web -> auth -> web -> auth -> web"'), "auth")
    assert '- "web -> auth -> place -> web -> auth -> place -> web" ' in changed


def test_behind_an_actor_that_goes_nowhere_the_new_one_is_the_end() -> None:
    text = "name: shop\nactors:\n    web: {uses: http-server}\n    out: {uses: stdout}\nconnections:\n    - web -> out"
    assert with_actor(text, "out").endswith("    - web -> out\n    - out -> place\n")
    assert with_actor(text.partition("connections")[0], "out").endswith("connections:\n  - out -> place\n")


@pytest.mark.parametrize(
    ("text", "after", "what"),
    [
        ("name: shop\nactors: {web: {uses: http-server}}\n", "", "actors: is not written with a line for each"),
        (TEXT.replace("auth:  {", "place: {"), "", 'has an actor "place" already'),
        (TEXT, "auht", 'no actor "auht". Did you mean "auth"?'),
        (TEXT, "Auth!", '--after: "Auth!" is not a box'),
        (TEXT.replace("- web -> auth", "- web, auth"), "auth", 'line 12: "auth" stands beside others there'),
        (TEXT.replace("from: auth.audit", "from: [web, auth]"), "auth", 'line 13: "auth" stands beside others'),
        ("name: shop\nactors:\n  web: {uses: http-server}\nconnections: [web -> web]", "web", "connections: is not"),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, after: str, what: str) -> None:
    with pytest.raises(UsageError, match=what.replace("?", r"\?")):
        with_actor(text, after)
