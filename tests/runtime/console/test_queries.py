"""Each number names where it comes from."""

from __future__ import annotations

import re

from actorkit.console.plan import Actor, GraphPlan, Line
from actorkit.console.queries import queries
from tests.places import ROOT

PLAN = GraphPlan(
    topology="shop",
    deployment="shop-test",
    actors=(
        Actor(name="web", uses="http-server", letters="box"),
        Actor(name="broker", uses="mdp-broker", kind="broker"),
    ),
    lines=(
        Line(source="web", destination="auth", outbox="auth", inbox="web"),
        Line(source="web", destination="audit", outbox="copies", inbox="web", alone=False),
        Line(source="web", destination="broker", service='o"r\\d', style="broker"),
        Line(source="web", destination="broker", style="broker"),
    ),
)


def test_every_metric_that_is_named_is_one_of_the_docs() -> None:
    pages = ("metrics.md", "majordomo.md", "actors/dead-letters.md")
    documented = {name for page in pages for name in re.findall(r"`(actorkit_\w+)", (ROOT / "docs" / page).read_text())}
    named = set(re.findall(r"actorkit_\w+", str(queries(PLAN))))
    assert named
    assert named - documented == set()


def test_a_line_of_an_outbox_with_several_connections_is_counted_where_it_ends() -> None:
    alone, copies, *_ = queries(PLAN)["lines"]
    assert alone["rate"][0] == 'sum(rate(actorkit_events_out_total{topology="shop", actor="web", outbox="auth"}[1m]))'
    assert copies["rate"][0] == 'sum(rate(actorkit_events_in_total{topology="shop", actor="audit", inbox="web"}[1m]))'


def test_commands_name_the_deployment() -> None:
    assert queries(PLAN)["actors"]["web"]["letters"][1] == "kit dlq list web -d shop-test"


def test_the_name_of_a_service_is_quoted_as_prometheus_reads_it() -> None:
    *_, requests, nothing = queries(PLAN)["lines"]
    assert 'service="o\\"r\\\\d"' in requests["waiting"][0]
    assert nothing == {}
