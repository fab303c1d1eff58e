"""Spans reach a collector whole, or are dropped and told of; nobody waits for one."""

from __future__ import annotations

from typing import Any

import pytest

from actorkit.errors import SettingsError
from actorkit.observe import trace_context
from actorkit.observe.otlp import CONSUMER, Exporter, Span, TraceOptions
from actorkit.settings import read
from tests.runtime.observe.collecting import collecting
from tests.until import until

GOOD = {"ACTORKIT_ACTOR": "a", "ACTORKIT_CLASS": "tests.probes:Pass"}
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def span(number: int, **more: Any) -> Span:
    made = {"parent": "", "name": "check", "kind": CONSUMER, "actor": "check", "begun_ns": 1, "ended_ns": 2, **more}
    return Span(trace=f"{number:032x}", span=f"{number:016x}", **made)


def exporter(url: str, **more: Any) -> Exporter:
    made = Exporter(TraceOptions(url, **{"delay_s": 0.01, "timeout_s": 2.0, **more}), "shop", "check-1", "1.0")
    made.start()
    return made


def test_spans_are_sent_as_the_collector_wants_them() -> None:
    with collecting() as collector:
        made = exporter(f"{collector.url}/v1/traces", headers={"X-Key": "k"}, resource={"team": "a"})
        made.put(span(5, parent="00000000000000aa", failure="ValueError: no", attributes={"size": 3, "to": "x"}))
        until(lambda: collector.requests, "it is sent")
        made.close()
    (group,) = collector.requests[0]["resourceSpans"]
    named = {one["key"]: one["value"]["stringValue"] for one in group["resource"]["attributes"]}
    assert named == {
        "service.name": "check",
        "service.namespace": "shop",
        "service.instance.id": "check-1",
        "service.version": "1.0",
        "team": "a",
    }
    (sent,) = group["scopeSpans"][0]["spans"]
    assert sent == {
        "traceId": f"{5:032x}",
        "spanId": f"{5:016x}",
        "parentSpanId": "00000000000000aa",
        "name": "check",
        "kind": 5,
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "attributes": [
            {"key": "size", "value": {"intValue": "3"}},
            {"key": "to", "value": {"stringValue": "x"}},
        ],
        "status": {"code": 2, "message": "ValueError: no"},
    }
    assert collector.headers[0]["x-key"] == "k"


def test_what_waits_at_the_end_is_sent() -> None:
    with collecting() as collector:
        made = exporter(collector.url, delay_s=60.0)
        made.put(span(1))
        made.close()
        assert len(collector.spans()) == 1


def test_spans_wait_for_a_collector_that_is_busy_and_are_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    with collecting() as collector:
        collector.answer = 503
        made = exporter(collector.url)
        made.put(span(1))
        until(lambda: "it answers 503; 0 spans are dropped, 1 wait" in caplog.text, "it is told")
        collector.answer = 200
        until(lambda: len(collector.spans()) == 1, "it is sent again")
        made.close()


def test_spans_that_find_no_room_or_no_collector_are_dropped_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    made = exporter("http://127.0.0.1:1", most_waiting=10, delay_s=60.0)
    for number in range(1, 31):
        made.put(span(number))
    made.close()
    assert "spans are dropped, 0 wait" in caplog.text
    assert "30 spans are dropped" in caplog.text


def test_the_usual_variables_say_where_spans_go() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x,a=1",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "500",
    }
    options = read({**GOOD, **environ}).traces
    assert options is not None
    assert (options.url, options.timeout_s) == ("http://collector:4318/v1/traces", 0.5)
    assert options.headers == {"authorization": "Bearer x", "a": "1"}
    assert options.resource == {"deployment.environment": "test"}
    whole = read({**GOOD, **environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t/x"}).traces
    assert whole is not None
    assert whole.url == "https://t/x"
    for off in ({"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}):
        assert read({**GOOD, **environ, **off}).traces is None
    assert read(GOOD).traces is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "is no URL. Write it as http://collector:4318."),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "wanted: a whole number above 0."),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a", '"a" is no name with a value. Write it as name=value,other=value.'),
    ],
)
def test_a_wrong_variable_is_told_in_one_line(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read({**GOOD, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", name: value})
    assert name in str(caught.value)
    assert said in str(caught.value)


def test_an_event_that_came_with_a_traceparent_belongs_to_that_trace_outside() -> None:
    assert trace_context.read({"traceparent": GIVEN}, 7) == (GIVEN[3:35], GIVEN[36:52])
    for junk in ("", "x", GIVEN.upper(), f"ff{GIVEN[2:]}", "00-" + "0" * 32 + GIVEN[35:]):
        assert trace_context.read({"traceparent": junk}, 7) == (f"{7:032x}", "")


def test_calls_carry_on_a_trace_that_is_told_of_and_pass_on_any_other() -> None:
    assert trace_context.onward({"traceparent": GIVEN}, 7, 9) == GIVEN
    assert trace_context.onward({"traceparent": "junk"}, 7, 9) == ""
    try:
        trace_context.export_below(8)
        assert trace_context.onward({"traceparent": GIVEN}, 7, 9) == f"{GIVEN[:36]}{9:016x}-01"
        assert trace_context.onward({}, 7, 9) == f"00-{7:032x}-{9:016x}-01"
        assert trace_context.onward({}, 8, 9) == ""
    finally:
        trace_context.export_below(0)
