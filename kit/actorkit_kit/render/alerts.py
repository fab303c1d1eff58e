"""Alerting rules for a plan: how many replicas there should be, and what should not happen to events and requests.

A replica that has stopped leaves the DNS, and its `up` goes with it. So rules count what is there against the plan.
Each alert has a page in docs/runbooks, which its `runbook_url` names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from actorkit_kit.plan.model import Plan
from actorkit_kit.render.yamltext import Quoted

#: The folder of the pages, in the repository of actorkit.
RUNBOOKS: Final = "docs/runbooks"
#: How far back rules look for something that should not happen.
WINDOW: Final = "10m"
_BY_ACTOR: Final = "topology, actor"


@dataclass(frozen=True)
class Alert:
    """One rule. `for_` is how long its condition must hold; `summary` and `action` may hold templates of Prometheus."""

    name: str
    page: str
    expr: str
    for_: str
    severity: str
    summary: str
    action: str

    def rule(self, **labels: str) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": Quoted(self.expr),
            "for": self.for_,
            "labels": {**{key: Quoted(value) for key, value in sorted(labels.items())}, "severity": self.severity},
            "annotations": {
                "summary": Quoted(self.summary),
                "description": Quoted(self.action),
                "runbook_url": Quoted(f"{RUNBOOKS}/{self.page}.md"),
            },
        }


def rules(plan: Plan) -> dict[str, Any]:
    """The content of a file of rules; the same as the `spec` of a PrometheusRule."""
    return {"groups": [{"name": f"actorkit-{plan.topology}", "rules": list(_rules(plan))}]}


def _rules(plan: Plan) -> Iterator[dict[str, Any]]:
    for unit in sorted(plan.units, key=lambda unit: unit.name):
        alert = _instances_missing(plan.topology, unit.name, unit.replicas)
        yield alert.rule(topology=plan.topology, actor=unit.name)
    for alert in (*_of_events(plan.topology), *(_of_requests(plan.topology) if plan.of_kind("broker") else ())):
        yield alert.rule()


def _instances_missing(topology: str, actor: str, replicas: int) -> Alert:
    there = f'count(up{{topology="{topology}", actor="{actor}"}} == 1)'
    return Alert(
        name="ActorkitInstancesMissing",
        page="instances-missing",
        expr=f"({there} or vector(0)) < {replicas}",
        for_="1m",
        severity="critical",
        summary=f"{actor} has {{{{ $value }}}} of {replicas} instances",
        action=f"Fewer instances of {actor} answer than the topology wants. kit status {topology} says why.",
    )


def _of_events(topology: str) -> Iterator[Alert]:
    mine = f'topology="{topology}"'
    yield Alert(
        name="ActorkitNotReady",
        page="not-ready",
        expr=f"actorkit_ready{{{mine}}} == 0",
        for_="2m",
        severity="warning",
        summary="an instance of {{ $labels.actor }} takes no work",
        action=f"It runs, and is not ready. kit status {topology} says what it waits for.",
    )
    yield Alert(
        name="ActorkitNoPeer",
        page="no-peer",
        expr=f"min by ({_BY_ACTOR}, outbox, destination) (actorkit_peers{{{mine}}}) == 0",
        for_="1m",
        severity="critical",
        summary="{{ $labels.actor }} reaches no instance of {{ $labels.destination }}",
        action="Events wait in its outbox {{ $labels.outbox }}. Look at {{ $labels.destination }} first.",
    )
    yield Alert(
        name="ActorkitRestarts",
        page="restarts",
        expr=f"sum by ({_BY_ACTOR}) (changes(process_start_time_seconds{{{mine}}}[{WINDOW}])) > 2",
        for_="0s",
        severity="critical",
        summary="{{ $labels.actor }} ends again and again",
        action="It was started {{ $value }} times in ten minutes. kit logs {{ $labels.actor }} has its last words.",
    )
    failed = f"sum by ({_BY_ACTOR}) (rate(actorkit_events_failed_total{{{mine}}}[5m]))"
    arrived = f"sum by ({_BY_ACTOR}) (rate(actorkit_events_in_total{{{mine}}}[5m]))"
    yield Alert(
        name="ActorkitEventsFail",
        page="events-fail",
        expr=f"{failed} / {arrived} > 0.05",
        for_="5m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the events fail in {{ $labels.actor }}",
        action="More than one in twenty, for five minutes. kit logs {{ $labels.actor }} tells the failures.",
    )
    yield Alert(
        name="ActorkitDeadLetters",
        page="dead-letters",
        expr=_grew(f'actorkit_events_dropped_total{{{mine}, reason="dead-letter"}}'),
        for_="0s",
        severity="warning",
        summary="{{ $labels.actor }} has new dead letters",
        action="Events failed where nobody waits for them, and are kept. kit dlq list shows them.",
    )
    yield Alert(
        name="ActorkitEventsLost",
        page="events-lost",
        expr=_grew(f'actorkit_events_dropped_total{{{mine}, reason=~"failed|log-full"}}'),
        for_="0s",
        severity="critical",
        summary="{{ $labels.actor }} lost events",
        action="They failed and could not be kept: it has no dead-letter box, or what it logs finds no room.",
    )
    backlog = f"sum by ({_BY_ACTOR}, destination) (actorkit_backlog{{{mine}}})"
    slope = f"sum by ({_BY_ACTOR}, destination) (deriv(actorkit_backlog{{{mine}}}[{WINDOW}]))"
    yield Alert(
        name="ActorkitBacklogGrows",
        page="backlog-grows",
        expr=f"{slope} > 0 and {backlog} > 1000",
        for_="10m",
        severity="warning",
        summary="{{ $labels.destination }} gets more than it can do",
        action="Events wait in {{ $labels.actor }}, more and more. kit scale {{ $labels.destination }}=N helps.",
    )
    yield Alert(
        name="ActorkitConsumeHangs",
        page="consume-hangs",
        expr=f"actorkit_oldest_consume_seconds{{{mine}}} > 60",
        for_="1m",
        severity="warning",
        summary="an event has been consumed for {{ $value | humanizeDuration }} in {{ $labels.actor }}",
        action=f"What it waits for does not come. kit status {topology} names the event.",
    )
    yield Alert(
        name="ActorkitStrangers",
        page="strangers",
        expr=_grew(f'actorkit_frames_rejected_total{{{mine}, reason=~"no-key|topology|version|malformed"}}'),
        for_="0s",
        severity="warning",
        summary="somebody sends {{ $labels.actor }} what it cannot take",
        action="Another topology, another version, a wrong key, or an attack. kit logs {{ $labels.actor }} tells who.",
    )


def _of_requests(topology: str) -> Iterator[Alert]:
    mine = f'topology="{topology}"'
    by_service = "topology, service"
    waiting = f"sum by ({by_service}) (actorkit_broker_queue_depth{{{mine}}})"
    yield Alert(
        name="ActorkitNoWorkers",
        page="no-workers",
        expr=f"{waiting} > 0 unless sum by ({by_service}) (actorkit_broker_workers{{{mine}}}) > 0",
        for_="1m",
        severity="critical",
        summary="nobody answers for the service {{ $labels.service }}",
        action="{{ $value }} requests wait, and no worker is registered. kit services shows the brokers' view.",
    )
    yield Alert(
        name="ActorkitRequestsWait",
        page="requests-wait",
        expr=f"max by ({by_service}) (actorkit_broker_queue_oldest_seconds{{{mine}}}) > 30",
        for_="1m",
        severity="warning",
        summary="a request for {{ $labels.service }} has waited for {{ $value | humanizeDuration }}",
        action="Its workers are too few or too slow. kit services shows who is busy; kit scale adds workers.",
    )


def _grew(series: str) -> str:
    """Whether a counter grew. A series that appears with its first event counts from 0; `increase` would not see it."""
    now = f"sum by ({_BY_ACTOR}) ({series})"
    return f"{now} > (sum by ({_BY_ACTOR}) ({series} offset {WINDOW}) or {now} * 0)"
