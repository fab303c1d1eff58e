from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actorkit import Event, JSONEvent, params
from actorkit.testing import Harness
from actorkit_actors.xml.schematron import Schematron


def schema(rules: str, more: str = "") -> str:
    return (
        f'<schema xmlns="http://purl.oclc.org/dsdl/schematron">{more}<pattern id="p">'
        f'<rule context="order">{rules}</rule></pattern></schema>'
    )


RULES = schema(
    '<assert id="A1" test="total &gt; 0">The total <value-of select="total"/> is\n too small.</assert>'
    '<report id="R1" test="old">It is old.</report>'
)


def failure(data: Any, **given: Any) -> Any:
    harness = Harness(Schematron, **given)
    harness.put(Event(data))
    assert harness.taken() == []
    return harness.errors[0].failure


def test_what_keeps_the_rules_goes_on_byte_for_byte() -> None:
    harness = Harness(Schematron, schema=RULES)
    harness.put(Event("<!-- x --><order><total>1</total></order>"))
    harness.put(JSONEvent({"order": {"total": 1}}))
    passed = harness.taken()
    assert [event.encoded()[0] for event in passed] == ["t", "j"]
    assert passed[0].data == "<!-- x --><order><total>1</total></order>"


def test_each_broken_rule_is_told_as_the_schema_says_it() -> None:
    found = failure("<order><total>-1</total><old/></order>", schema=RULES)
    assert (found.kind, found.status) == ("MalformedEvent", 400)
    assert [(error.message, error.code) for error in found.errors] == [
        ("The total -1 is too small.", "A1"),
        ("It is old.", "R1"),
    ]
    assert found.errors[0].details == {"location": "/order", "test": "total > 0"}
    assert len(failure("<order><total>-1</total><old/></order>", schema=RULES, max_errors=1).errors) == 1


def test_reports_may_be_no_mistakes() -> None:
    harness = Harness(Schematron, schema=RULES, reports=False)
    harness.put(Event("<order><total>1</total><old/></order>"))
    assert len(harness.taken()) == 1


def test_a_phase_chooses_patterns() -> None:
    phases = '<phase id="none"><active pattern="q"/></phase><pattern id="q"/>'
    harness = Harness(Schematron, schema=schema('<assert test="x">no x</assert>', phases), phase="none")
    harness.put(Event("<order/>"))
    assert len(harness.taken()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<a", "not XML"),
        ("<a/>", "not a schematron schema"),
        (schema('<assert test="total["/>'), "total["),
        (schema('<assert test="1"/>', '<include href="/etc/passwd"/>'), "line 1: nothing can be included"),
    ],
)
def test_a_schema_that_is_none_is_found_before_the_first_event(text: str, says: str) -> None:
    [problem] = Schematron.check(params.build(Schematron.Params, {"schema": text}))
    assert problem.path == "schema"
    assert says in problem.message
    assert "\n" not in problem.message


def test_a_rule_reads_no_file_and_a_document_that_is_too_large_is_not_tried(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret>password</secret>")
    reads = schema('<assert test="document(@href)/x"><value-of select="document(@href)"/></assert>')
    found = failure(f'<order href="{secret}"/>', schema=reads)
    assert found.message.startswith("the rules cannot be tried: ")
    assert "password" not in found.message
    assert "at most 2" in failure("<order><a/><b/></order>", schema=RULES, max_elements=2).message
