"""The section `tests`: every mistake has its place, and what is right is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit.graph import Box
from actorkit_kit.topology.check import Checked, check
from actorkit_kit.topology.document import parse

GRAPH = """\
name: t
actors:
  web: {uses: http-server, params: {routes: [{path: "/<queue>"}]}}
  gen: {uses: generator}
  order: {uses: xslt, params: {stylesheet: {file: submit.xsl}}}
  out: {uses: stdout}
connections: [web -> order -> web, gen -> order -> out]
clear: true
tests:
  it holds:
"""


def checked(test: str, base: Path) -> Checked:
    indented = "".join(f"    {line}\n" for line in test.splitlines())
    return check(parse(GRAPH + indented, "topology.yaml", base))


def found(test: str, base: Path) -> list[str]:
    return [str(finding) for finding in checked(test, base).findings]


def test_a_test_is_read_with_what_it_puts_fakes_and_expects(shop: Path) -> None:
    result = checked(
        """\
put:
  - {to: order, data: <order/>, as: xml, times: 3}
  - {from: gen, data: {a: 1}}
  - {http: POST /order, file: submit.xsl, headers: {X-Key: "1"}}
fake: {order: [{data: first}, {fails: 503, message: no}]}
expect:
  - {from: order, xpath: {/order: ""}, count: 3}
  - {at: out, nothing: true}
  - {status: 200}
depth: graph
timeout_s: 3
""",
        shop,
    )
    assert result.findings == ()
    (case,) = result.tests
    assert (case.name, case.depth, case.timeout_s) == ("it holds", "graph", 3.0)
    assert [(put.to, put.origin, put.server, put.times) for put in case.puts] == [
        (Box("order"), None, "", 3),
        (None, Box("gen"), "", 1),
        (None, None, "web", 1),
    ]
    assert [reply.fails for reply in case.fakes["order"]] == [0, 503]
    assert [(one.side, one.least, one.most) for one in case.expectations] == [
        ("from", 3, 3),
        ("at", 0, 0),
        ("put", 1, None),
    ]


@pytest.mark.parametrize(
    ("test", "place", "message"),
    [
        ("put: {to: ordr}\nexpect: {from: order}", "11:15: tests.it holds.put.to", 'Did you mean "order"?'),
        ("put: {to: gen}\nexpect: {from: order}", "11:15: tests.it holds.put.to", "Write from: gen"),
        ("put: {data: a}\nexpect: {from: order}", "11:10: tests.it holds.put", "where does it go?"),
        ("put: {to: order, from: gen}\nexpect: {from: out}", "put.from", "goes to a box, or comes from one"),
        ("put: {to: order, file: away.xml}\nexpect: {from: order}", "put.file", 'there is no file "away.xml"'),
        ("put: {to: order, dta: 1}\nexpect: {from: order}", "11:22: tests.it holds.put.dta", 'Did you mean "data"?'),
        ("put: {to: order, as: xlm}\nexpect: {from: order}", "put.as", "Choose one of: bytes, text, json, xml, form"),
        ("put: {to: order}", "tests.it holds.expect", "what has to come of it?"),
        ("put: {to: order}\nexpect: {data: 1}", "expect", "where does it come?"),
        ("put: {to: order}\nexpect: {from: order.audit}", "expect.from", '"order" has no outbox "audit"'),
        ("put: {to: order}\nexpect: {at: out.orders}", "expect.at", '"out" has no inbox "orders"'),
        ("put: {to: order}\nexpect: [{from: order, matches: '('}]", "expect[0].matches", "is no regular expression"),
        ("put: {to: order}\nexpect: {from: order, xpath: {'/a[': 1}}", "expect.xpath./a[", "is no XPath"),
        ("put: {to: order}\nexpect: {from: order, json: {'$[': 1}}", "expect.json.$[", "is no JSONPath"),
        ("put: {to: order}\nexpect: {from: order, nothing: true, count: 2}", "expect.count", "nothing: true says"),
        ("fake: {ordre: {data: 1}}\nput: {to: order}\nexpect: {from: order}", "11:12: tests", 'Did you mean "order"?'),
        ("fake: {order: {data: 1, fails: 500}}\nexpect: {from: order}", "fake.order.fails", "Write one of them"),
        ("expect: 5", "expect", "this is a number, not a mapping"),
        ("put: {http: orders}\nexpect: {status: 200}", "put.http", "is not a method and a path, as POST /orders"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(shop: Path, test: str, place: str, message: str) -> None:
    told = [line for line in found(test, shop) if place in line]
    assert any(message in line for line in told), found(test, shop)


def test_tests_are_the_same_in_all_targets(shop: Path) -> None:
    text = GRAPH.partition("tests:")[0] + "targets: {helm: {tests: {a: {expect: {from: gen}}}}}\n"
    assert any("is the same in all targets" in str(one) for one in check(parse(text, "t.yaml", shop)).findings)
