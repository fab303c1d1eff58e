"""Where each number comes from: the question that Prometheus answers with it, and the `kit` command that tells it."""

from __future__ import annotations

from typing import Any, Final

from actorkit.console.plan import BROKER, Actor, GraphPlan, Line

#: What Prometheus takes the mean of.
_RANGE: Final = "[1m]"


def queries(plan: GraphPlan) -> dict[str, Any]:
    """For each actor by its name, and for each line in the order of the plan: number → its PromQL and its command."""
    return {
        "actors": {actor.name: _of_actor(plan, actor) for actor in plan.actors},
        "lines": [_of_line(plan, line) for line in plan.lines],
    }


def _of_actor(plan: GraphPlan, actor: Actor) -> dict[str, list[str]]:
    of, name = _labels(topology=plan.topology, actor=actor.name), plan.deployment or plan.topology
    if actor.kind != "actor":
        return {"ready": [f"count(actorkit_build_info{of})", f"kit status {name}"]}
    # Of a box it is known how many letters it has, not whose; without one nothing is.
    has_box = actor.letters not in ("", actor.name)
    box = f"sum(actorkit_dead_letters{_labels(topology=plan.topology, actor=actor.letters)})" if has_box else ""
    return {
        "ready": [f"sum(actorkit_ready{of})", f"kit status {name}"],
        "in_work": [f"sum(actorkit_in_work{of})", f"kit top -d {name}"],
        "failing": [f"sum(rate(actorkit_events_failed_total{of}{_RANGE}))", f"kit top -d {name}"],
        "letters": [box, f"kit dlq list {actor.name} -d {name}"],
    }


def _of_line(plan: GraphPlan, line: Line) -> dict[str, list[str]]:
    top = f"kit top -d {plan.deployment or plan.topology}"
    if line.style == BROKER:
        of = _labels(topology=plan.topology, actor=line.destination, service=line.service)
        query = f"sum(actorkit_broker_queue_depth{of} + actorkit_broker_busy_workers{of})"
        return {"waiting": [query, f"kit services -d {plan.deployment or plan.topology}"]} if line.service else {}
    of = _labels(topology=plan.topology, actor=line.source, outbox=line.outbox, destination=line.destination)
    sent = f"actorkit_events_out_total{_labels(topology=plan.topology, actor=line.source, outbox=line.outbox)}"
    # An outbox counts what it sends over all of its connections.
    came = f"actorkit_events_in_total{_labels(topology=plan.topology, actor=line.destination, inbox=line.inbox)}"
    return {
        "rate": [f"sum(rate({sent if line.alone else came}{_RANGE}))", top],
        "waiting": [f"sum(actorkit_waiting{of})", top],
        "in_flight": [f"sum(actorkit_in_flight{of})", top],
        "oldest_s": [f"max(actorkit_oldest_waiting_seconds{of})", top],
    }


def _labels(**labels: str) -> str:
    """A selector. Names of services may have any character (Prometheus, string literals)."""
    quoted = (f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{', '.join(quoted)}}}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
