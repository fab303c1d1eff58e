"""Destinations outside of a topology: how they are written, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import parse
from actorkit_kit.topology.egress import parse as destination
from actorkit_kit.topology.model import ANYWHERE, Destination
from tests.kit.plans import plan_of

TOPOLOGY = """\
name: out
actors:
  gen: {uses: generator}
  sink:
    uses: stdout
    egress: EGRESS
connections: [gen -> sink]
clear: true
"""


def findings(egress: str) -> list[str]:
    checked = check(parse(TOPOLOGY.replace("EGRESS", egress), "topology.yaml", Path()))
    return [str(finding) for finding in checked.findings]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("db.example:5432", Destination("db.example", 5432)),
        ("DB.Example.:5432", Destination("db.example", 5432)),
        ("db:5432", Destination("db", 5432)),
        ("10.1.2.3:80", Destination("10.1.2.3/32", 80)),
        ("10.20.0.0/16:5432", Destination("10.20.0.0/16", 5432)),
        ("[2001:db8::1]:443", Destination("2001:db8::1/128", 443)),
        ("[2001:db8::/32]:443", Destination("2001:db8::/32", 443)),
        ("*:443", Destination("", 443)),
    ],
)
def test_a_destination_is_a_name_an_address_or_a_block_and_a_port(written: str, meant: Destination) -> None:
    assert destination(written) == meant


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("db.example", "is not host:port"),
        ("db.example:0", "no port from 1 to 65535"),
        ("db.example:70000", "no port from 1 to 65535"),
        ("2001:db8::1:443", "an IPv6 address in brackets"),
        ("10.20.3.4/16:80", "the block that 10.20.3.4/16 is in is 10.20.0.0/16. Write that."),
        ("10.0.0.300:80", "neither an address, a block of addresses nor a name"),
        ("[db.example]:80", "neither an address, a block of addresses nor a name"),
        ("http://db.example:80", "is not host:port"),
        ("-db:80", "neither an address, a block of addresses nor a name"),
    ],
)
def test_what_is_no_destination_is_told_with_what_to_write(written: str, complaint: str) -> None:
    (found,) = findings(f'["db.example:1", "{written}"]')
    assert found.startswith("topology.yaml:6:30: actors.sink.egress[1]: ")
    assert complaint in found


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("5432", "this is a number. Write true, or a list of host:port."),
        ("[]", "this list is empty. Write true, a list of host:port, or nothing."),
        ("[5432]", "this is a number. Write host:port"),
        ('["db:1", "DB:1"]', '"DB:1" stands here twice. Remove one.'),
    ],
)
def test_a_wrong_egress_is_a_finding(written: str, complaint: str) -> None:
    (found,) = findings(written)
    assert complaint in found


@pytest.mark.parametrize(
    ("written", "planned"),
    [("true", ANYWHERE), ("false", ()), ('["db:5432"]', (Destination("db", 5432),))],
)
def test_the_plan_says_what_an_actor_reaches(written: str, planned: tuple[Destination, ...], tmp_path: Path) -> None:
    plan = plan_of(TOPOLOGY.replace("EGRESS", written), tmp_path)
    assert plan.unit("sink").egress == planned
    assert plan.unit("gen").egress == ()
