"""One event is one trace at a collector, whatever becomes of it and whoever is killed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fleet import Fleet, Process
from tests.runtime.observe.collecting import Collector, collecting, orphans
from tests.until import until


class Row:
    """A source, two instances that pass on, and a sink, all of which tell the collector of every trace."""

    def __init__(self, fleet: Fleet, collector: Collector, file: Path, count: int, **passing: Any) -> None:
        self._fleet, self._collector = fleet, collector
        self.sink = self.start("sink", "Sink", {"file": str(file)})
        self.both = [self.start("pass", "Pass", passing, number, outbox_sink="sink") for number in (1, 2)]
        until(lambda: all(one.ready() for one in (self.sink, *self.both)), "they are ready")
        self.source = self.start("source", "Source", {"count": count}, outbox_pass="pass")

    def start(self, actor: str, cls: str, params: dict[str, Any], number: int = 1, **outbox: str) -> Process:
        """Start an actor of `tests.probes`."""
        return self._fleet.start(
            actor,
            f"tests.probes:{cls}",
            number,
            params=json.dumps(params),
            sample="1",
            instance=f"{actor}-{number}",
            OTEL_EXPORTER_OTLP_ENDPOINT=self._collector.url,
            OTEL_BSP_SCHEDULE_DELAY="20",
            **outbox,
        )


def test_each_event_is_one_trace_without_orphans(fleet: Fleet, tmp_path: Path) -> None:
    with collecting() as collector:
        Row(fleet, collector, tmp_path / "seen", 20, fail_every=7)
        until(lambda: len({span["traceId"] for span in collector.spans()}) == 20, "all are told of")
        until(lambda: len(collector.spans()) == 17 * 4 + 3 * 2, "all of it is told")
        spans = collector.spans()
    assert orphans(spans) == []
    roots = [span for span in spans if "parentSpanId" not in span]
    assert {(span["service"], span["name"]) for span in roots} == {("source", "source.pass")}
    assert len(roots) == 20
    failed = [span for span in spans if span["status"]]
    assert [span["status"]["message"] for span in failed] == ["MalformedEvent: not this one"] * 3
    assert Counter(span["name"] for span in spans) == {"source.pass": 20, "pass": 20, "pass.sink": 17, "sink": 17}


def test_a_kill_leaves_whole_all_traces_but_those_that_the_killed_one_had_not_told_of(
    fleet: Fleet, tmp_path: Path
) -> None:
    with collecting() as collector:
        made = Row(fleet, collector, tmp_path / "seen", 300, pause_s=0.005)
        until(lambda: len(collector.spans()) > 100, "it goes on")
        made.both[0].kill()
        fleet.restart(made.both[0])
        until(lambda: made.source.metric("actorkit_unfinished") == 0, "all is finished", 60)
        until(lambda: len(names(collector.spans(), "sink")) == 300, "the sink has told of all", 30)
        until(lambda: {sender(span) for span in orphans(collector.spans())} <= {"pass-1"}, "the others are whole", 30)
        repeats = Counter(span["spanId"] for span in collector.spans() if span["name"] == "pass.sink")
        assert len(repeats) <= 300


def test_an_instance_that_is_told_to_stop_tells_all_before(fleet: Fleet, tmp_path: Path) -> None:
    with collecting() as collector:
        made = Row(fleet, collector, tmp_path / "seen", 300, pause_s=0.005)
        until(lambda: len(collector.spans()) > 100, "it goes on")
        assert made.both[0].stop() == 0
        until(lambda: len(names(collector.spans(), "sink")) == 300, "the sink has told of all", 60)
        until(lambda: not orphans(collector.spans()), "no span is without its parent")


def names(spans: list[dict[str, Any]], name: str) -> set[str]:
    """The traces that have a span of that name."""
    return {span["traceId"] for span in spans if span["name"] == name}


def sender(span: dict[str, Any]) -> str:
    """The instance that an event came from, whose consume the span is."""
    found = {one["key"]: one["value"].get("stringValue", "") for one in span["attributes"]}
    return str(found.get("actorkit.from", ""))
