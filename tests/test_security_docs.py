"""docs/security.md names a test for each attack, and each of them is there."""

from __future__ import annotations

import re

from tests.places import DOCS, ROOT

TABLE = (
    (DOCS / "security.md").read_text(encoding="utf-8").partition("## Attacks by what comes in")[2].partition("\n## ")[0]
)
ROWS = re.findall(r"^\| (?!attack|---)(.+?) \| (.+?) \| (.+) \|$", TABLE, re.MULTILINE)

#: Attacks that have to be among them, by a word of theirs.
ATTACKS = (
    *(
        "XXE",
        "bombs",
        "deep",
        "wide",
        "document()",
        "never end",
        "jq",
        "JMESPath",
        "templates",
        "markup",
        "names of files",
    ),
    *("symbolic links", "header fields", "mails", "SSRF", "alg: none", "keys taken", "SQL", "credentials in logs"),
)


def test_each_attack_has_a_test_that_is_there() -> None:
    for attack, _, told in ROWS:
        named = [
            (path, name)
            for path, names in re.findall(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", told)
            for name in re.findall(r"`(\w+)`", names)
        ]
        assert named, attack
        for path, name in named:
            source = (ROOT / "tests" / path).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{attack}: {path} has no {name}"


def test_no_attack_is_left_out() -> None:
    attacks = " ".join(attack.replace("`", "") for attack, _, _ in ROWS)
    assert [word for word in ATTACKS if word not in attacks] == []
