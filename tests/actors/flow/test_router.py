from __future__ import annotations

from typing import Any

import pytest

from actorkit import Event, Http, XMLEvent
from actorkit.errors import SettingsError
from actorkit.testing import Harness
from actorkit_actors.flow.filter import Filter
from actorkit_actors.flow.router import Router
from actorkit_actors.flow.simple_router import SimpleRouter

BOXES = ("a", "b", "c", "other")
ORDER = "<order xmlns='urn:shop' xmlns:x='urn:x'><x:item n='1'>tea</x:item><x:item n='2'>rice</x:item><empty/></order>"


def where(event: Event, **params: Any) -> dict[str, int]:
    """How many events each outbox got."""
    harness = Harness(Router, outboxes=BOXES, **params)
    harness.put(event)
    counts = {name: len(harness.taken(name)) for name in (*BOXES, "error")}
    return {name: count for name, count in counts.items() if count}


def meets(event: Event, **condition: Any) -> bool:
    return bool(where(event, rules=[{"when": condition, "to": "a"}]))


def test_each_rule_that_holds_sends_and_an_outbox_gets_the_event_once() -> None:
    rules = [
        {"when": {"at": "data", "regex": "tea"}, "to": ["a", "b"]},
        {"when": {"at": "data", "regex": "t"}, "to": "b"},
        {"when": {"at": "data", "regex": "rice"}, "to": "c"},
    ]
    assert where(Event("tea"), rules=rules) == {"a": 1, "b": 1}
    assert where(Event("tea and rice"), rules=rules) == {"a": 1, "b": 1, "c": 1}
    assert where(Event("tea and rice"), rules=rules, mode="first") == {"a": 1, "b": 1}


def test_what_meets_no_rule_goes_to_the_default_or_ends_or_fails() -> None:
    rules = [{"when": {"at": "data", "equals": "tea"}, "to": "a"}]
    assert where(Event("milk"), rules=rules) == {}
    assert where(Event("milk"), rules=rules, default=["other", "c"]) == {"other": 1, "c": 1}
    assert where(Event("milk"), rules=rules, unmatched="error") == {"error": 1}


def test_a_rule_without_outboxes_ends_what_meets_it() -> None:
    rules = [{"when": {"at": "data", "regex": "spam"}}, {"when": {"at": "data", "regex": "."}, "to": "a"}]
    assert where(Event("spam"), rules=rules, mode="first", default="other") == {}
    assert where(Event("ham"), rules=rules, mode="first", default="other") == {"a": 1}


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"xpath": "//x:item", "regex": "^rice$"}, True),
        ({"xpath": "/default:order/x:item/@n", "equals": 2}, True),
        ({"xpath": "/o:order/x:item", "namespaces": {"o": "urn:shop"}}, True),
        ({"xpath": "/o:order/x:item", "namespaces": {"o": "urn:another"}}, False),
        ({"xpath": "/default:order/x:item/text()", "equals": "tea"}, True),
        ({"xpath": "count(//x:item)", "equals": 2}, True),
        ({"xpath": "string(//x:item[2])", "regex": "^ri"}, True),
        ({"xpath": "boolean(//x:missing)"}, False),
        ({"xpath": "//default:empty", "regex": ".*"}, True),
        ({"xpath": "//nobody:knows"}, False),
        ({"xpath": "//x:missing"}, False),
        ({"not": {"xpath": "//x:missing"}}, True),
        ({"all": [{"xpath": "//x:item"}, {"not": {"xpath": "//x:missing"}}]}, True),
        ({"all": [{"xpath": "//x:item"}, {"xpath": "//x:missing"}]}, False),
        ({"any": [{"xpath": "//x:missing"}, {"xpath": "//x:item"}]}, True),
        ({"any": []}, False),
        ({"jsonpath": "$.*"}, True),
    ],
)
def test_conditions_on_xml(condition: dict[str, Any], met: bool) -> None:
    assert meets(XMLEvent(ORDER), **condition) is met


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"jsonpath": "$.items[*].name", "equals": "Tee ☕"}, True),
        ({"jsonpath": "$.items[?@.price > 3].name"}, True),
        ({"jsonpath": "$.items[?@.price > 30].name"}, False),
        ({"jsonpath": "$.items[0].price", "equals": 4.5}, True),
        ({"jsonpath": "$.items[0].ready", "equals": True}, True),
        ({"jsonpath": "$.items[0].count", "equals": True}, False),
        ({"jsonpath": "$.items[0].none", "regex": "null"}, True),
        ({"at": "data/items/0/name", "regex": "☕"}, True),
        ({"at": "data/items/7/name", "regex": "."}, False),
        ({"at": "attributes/kind", "equals": "order"}, True),
        ({"at": "http/headers/host", "regex": "^shop[.]"}, True),
        ({"at": "http/method", "equals": "POST"}, True),
        ({"xpath": "//name"}, True),
    ],
)
def test_conditions_on_json_attributes_and_the_request(condition: dict[str, Any], met: bool) -> None:
    item = {"name": "Tee ☕", "price": 4.5, "ready": True, "count": 1, "none": None}
    event = Event({"items": [item]}, http=Http(headers={"host": "shop.example"}), attributes={"kind": "order"})
    assert meets(event, **condition) is met


def test_what_cannot_be_read_meets_no_condition_on_it_and_fails_nowhere() -> None:
    for condition in ({"xpath": "//a"}, {"jsonpath": "$.a"}, {"at": "data/a"}):
        assert where(Event(b"\xff<{"), rules=[{"when": condition, "to": "a"}], default="other") == {"other": 1}


def test_a_document_may_bring_the_patterns() -> None:
    document = "<r><for>^te</for><for>(</for><name>tea</name></r>"
    assert meets(Event(document), xpath="//name", regex_xpath="//for")
    assert not meets(Event(document.replace("^te", "^x")), xpath="//name", regex_xpath="//for")


def test_no_pattern_and_no_text_keep_a_router_busy() -> None:
    """Each of these takes a backtracking matcher longer than the universe is old."""
    evil = "a" * 50_000 + "!"
    assert not meets(Event(evil), at="data", regex="^(a+)+$")
    assert not meets(Event(f"<r><p>^(a|a)*$</p><t>{evil}</t></r>"), xpath="//t", regex_xpath="//p")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({}, "rules[0].when: give one of xpath, jsonpath, at, all, any and not"),
        ({"xpath": "/a", "at": "data"}, "rules[0].when: give one of xpath, jsonpath and at; there are 2"),
        ({"xpath": "/a["}, 'rules[0].when: xpath: "/a[" is no XPath'),
        ({"xpath": "re:test(., 'a')"}, ""),
        ({"jsonpath": "$["}, 'rules[0].when: jsonpath: "$[" is no JSONPath'),
        ({"jsonpath": "$[?match(@.a, '(a+)+')]"}, "rules[0].when: jsonpath:"),
        ({"at": "data", "regex": "(?=a)"}, 'rules[0].when: regex: "(?=a)" is no pattern of RE2'),
        ({"at": "data", "regex": "a", "equals": "a"}, "rules[0].when: give one of regex and equals"),
        ({"all": [{"at": "data"}, {"not": {"xpath": "]"}}]}, 'rules[0].when: all[1]: not: xpath: "]" is no XPath'),
        ({"not": {"at": "data"}, "regex": "a"}, "rules[0].when: not: regex and equals belong to a place"),
    ],
)
def test_a_mistake_in_a_condition_is_told_where_it_stands(condition: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"rules": [{"when": condition, "to": "a"}]}
    if not said:  # a prefix may be the document's
        assert not meets(Event("<a/>"), **condition)
        return
    with pytest.raises(SettingsError) as raised:
        Harness(Router, outboxes=BOXES, **given)
    assert said in str(raised.value)


def test_a_condition_has_only_the_keys_that_it_knows() -> None:
    with pytest.raises(SettingsError, match="regexp"):
        Harness(Router, rules=[{"when": {"at": "data", "regexp": "a"}, "to": "a"}])


def test_outboxes_of_rules_have_to_be_connected() -> None:
    harness = Harness(Router, outboxes=BOXES, rules=[{"when": {"at": "data"}, "to": ["a", "b"]}], default="c")
    assert Router.named_outboxes(harness.actor.params) == {"rules[0].to[0]": "a", "rules[0].to[1]": "b", "default": "c"}


def test_what_is_routed_goes_on_as_it_came() -> None:
    harness = Harness(Router, outboxes=BOXES, rules=[{"when": {"xpath": "/a"}, "to": "a"}])
    event = Event.unread("x", b"<a  x = '1' />")
    harness.put(event)
    [routed] = harness.taken("a")
    assert (routed.encoded(), routed.id, routed.trace) == (("x", b"<a  x = '1' />"), event.id, event.trace)


def test_a_filter_lets_by_what_meets_its_condition() -> None:
    harness = Harness(Filter, when={"at": "data", "regex": "tea"}, outboxes=("out",))
    for data in ("tea", "milk"):
        harness.put(Event(data))
    assert [event.data for event in harness.taken()] == ["tea"]
    assert not harness.errors


def test_a_filter_ends_what_has_gone_round_a_loop_too_often() -> None:
    with Harness(Filter, when={"not": {"at": "trail/20", "regex": "."}}) as harness:
        for rounds in (1, 9, 10, 11):
            parcel = Event(rounds).parcel()
            parcel.trail = "/".join(["one", "other"] * rounds)
            harness.put(Event.received(parcel))
        assert [event.data for event in harness.taken()] == [1, 9, 10]


def test_a_filter_gives_away_what_it_rejects_or_fails_it() -> None:
    harness = Harness(Filter, when={"at": "data", "regex": "tea"}, outboxes=("out", "rejected"), otherwise="error")
    harness.put(Event("milk"))
    assert [event.data for event in harness.taken("rejected")] == ["milk"]
    assert harness.taken() == []
    harness = Harness(Filter, when={"at": "data", "regex": "tea"}, otherwise="error")
    harness.put(Event("milk"))
    [failed] = harness.errors
    assert failed.failure is not None
    assert failed.failure.status == 422


def test_a_simple_router_sends_where_the_event_names() -> None:
    harness = Harness(SimpleRouter, outboxes=("tea", "rice", "default"), at="data/kind")
    for kind in ("green tea", "rice", "milk", "tea with rice"):
        harness.put(Event({"kind": kind}))
    counts = {name: len(harness.taken(name)) for name in ("tea", "rice", "default")}
    assert counts == {"tea": 2, "rice": 2, "default": 1}


def test_a_simple_router_without_default_fails_what_it_does_not_know() -> None:
    harness = Harness(SimpleRouter, outboxes=("tea",))
    harness.put(Event("milk"))
    [failed] = harness.errors
    assert failed.failure is not None
    assert (failed.failure.status, failed.failure.message) == (422, "the event names none of the outboxes tea")
