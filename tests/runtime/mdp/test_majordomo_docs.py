"""docs/majordomo.md names every parameter with its default, every metric, and every reason of an error."""

from __future__ import annotations

import re

import msgspec

from actorkit.mdp.broker.metrics import BrokerCollector
from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.options import BrokerParams
from tests.places import ROOT

TEXT = (ROOT / "docs" / "majordomo.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", TEXT, re.MULTILINE))


def test_every_parameter_stands_there_with_its_default() -> None:
    for field in msgspec.structs.fields(BrokerParams):
        shown = ROWS[field.name].replace(",", "").removesuffix(" MiB")
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            factor = 1024 * 1024 if "MiB" in ROWS[field.name] else 1
            assert float(shown) * factor == field.default, field.name


def test_every_metric_stands_there() -> None:
    state = BrokerState(BrokerParams(), 0.0)
    names = [family.name for family in BrokerCollector(lambda: state).collect()]
    assert len(names) == 11
    for name in names:
        assert f"`{name}`" in TEXT or f"`{name}_total`" in TEXT


def test_every_reason_of_an_error_stands_there() -> None:
    code = "".join(path.read_text() for path in (ROOT / "runtime/actorkit/mdp").rglob("*.py"))
    reasons = set(re.findall(r'errors\["(\w+)"\]', code))
    reasons |= set(re.findall(r'\brefuse\([^)]*?\d{3}, "(\w+)"', code))
    reasons |= set(re.findall(r'_protocol_error\(worker, "(\w+)"', code))
    assert len(reasons) > 15
    for reason in reasons - {"full", "announcement", "endpoint"}:  # the registration service's own
        assert f"`{reason}`" in TEXT, reason
