"""docs/majordomo.md's tables of states are what the broker does: each row is run, in both versions of the protocol."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from actorkit.mdp import frames as f
from actorkit.mdp.frames import V1, V2, Dialect
from tests.doc_tables import Row, states, told
from tests.places import DOCS
from tests.runtime.mdp.broker.scene import C2, KIB, OURS, PARAMS, W2, C, Scene, steps
from tests.runtime.mdp.broker.test_clients import Line

TEXT = (DOCS / "majordomo.md").read_text()
WORKERS, REQUESTS = states(TEXT, "**A worker at the broker**"), states(TEXT, "**A client's request at the broker**")


def in_both_versions(rows: list[Row]) -> pytest.MarkDecorator:
    """Each row in 0.1 and in 0.2; in 0.1 no answer has parts."""
    cases = [(row, dialect) for row in rows for dialect in (V1, V2)]
    cases = [(row, dialect) for row, dialect in cases if dialect is V2 or not re.search("PARTIAL| part", row[1])]
    return pytest.mark.parametrize(
        ("row", "dialect"), cases, ids=[f"{told(row)}, {dialect.version}" for row, dialect in cases]
    )


def others(scene: Scene) -> Dialect:
    return V2 if scene.dialect is V1 else V1


def another_waits(scene: Scene) -> None:
    scene.asks(client=C2)


def lost_heartbeat(scene: Scene) -> None:
    scene.undelivered([scene.worker, *f.heartbeat(scene.dialect)])


def lost_request(scene: Scene) -> None:
    scene.undelivered([scene.worker, *f.worker_request(C, [b"hi"], scene.dialect)])


def reads_all(scene: Scene) -> None:
    scene.state.tick(scene.now, inbox_empty=True)
    scene.take()


# --- a worker -------------------------------------------------------------------------------------------------------

WORKER_EVENTS: dict[str, Callable[[Scene], object]] = {
    "READY": Scene.registers,
    "READY, no request waits": Scene.registers,
    "READY, a request waits": steps(Scene.asks, Scene.registers),
    "READY, the broker drains and no request waits": steps(Scene.drains, Scene.registers),
    "READY, the broker drains and a request waits": steps(Scene.asks, Scene.drains, Scene.registers),
    "READY for a name that begins with `mmi.`": lambda s: s.command(s.dialect.ready, b"mmi.mine"),
    "READY for a name that can be no service's": lambda s: s.command(s.dialect.ready, b"\0"),
    "REPLY": Scene.replies,
    "REPLY, no request waits": Scene.replies,
    "REPLY, a request waits": steps(another_waits, Scene.replies),
    "REPLY that names another client": lambda s: s.replies(client=C2),
    "PARTIAL (0.2)": lambda s: s.replies(part=True),
    "PARTIAL (0.2), the client speaks 0.2": lambda s: s.replies(part=True),
    "PARTIAL (0.2), the client speaks 0.1": lambda s: s.replies(part=True),
    "PARTIAL (0.2), the client speaks 0.1, more than `max_body_bytes` in all": steps(
        lambda s: s.replies(b"x" * 60, part=True), lambda s: s.replies(b"x" * 60, part=True)
    ),
    "PARTIAL (0.2) that names another client": lambda s: s.replies(client=C2, part=True),
    "HEARTBEAT": lambda s: s.command(s.dialect.heartbeat),
    "REQUEST": lambda s: s.command(s.dialect.request, C, b"", b"hi"),
    "DISCONNECT": lambda s: s.command(s.dialect.disconnect),
    "a command of the other version": lambda s: s.command(others(s).heartbeat, dialect=others(s)),
    "a message that is none": lambda s: s.command(b"\x09"),
    "a client asks for its service": another_waits,
    "nothing was sent to it for `heartbeat_s`": lambda s: s.passes(2.5, beats=True),
    "nothing came for `liveness` × `heartbeat_s`": lambda s: s.passes(7.5, beats=False),
    "a message cannot be delivered to it": lost_heartbeat,
    "another message cannot be delivered to it": lost_heartbeat,
    "another message cannot be delivered to it, all that it had sent is read": steps(lost_heartbeat, reads_all),
    "its REQUEST cannot be delivered": lost_request,
    "the broker begins to drain": Scene.drains,
    "the broker ends": Scene.ends,
}


def worker_state(scene: Scene) -> str:
    worker = scene.state.workers.get(scene.worker)
    return "none" if worker is None else "idle" if worker.request is None else "busy"


@in_both_versions(WORKERS)
def test_the_broker_does_with_a_worker_what_its_table_says(row: Row, dialect: Dialect) -> None:
    state, event, sends, after = row
    scene = Scene(dialect, client=V1 if "client speaks 0.1" in event else None)
    if state != "none":
        scene.registers()
    if state == "busy":
        scene.asks()
    assert worker_state(scene) == state
    scene.sent.clear()
    WORKER_EVENTS[event](scene)
    assert (scene.said(scene.worker), worker_state(scene)) == (sends, after)


# --- a request ------------------------------------------------------------------------------------------------------


def given_once(scene: Scene, worker: bytes = W2) -> None:
    """The request is answered, and the next one is for a service whose requests must not be done twice."""
    scene.replies()
    scene.worker, scene.service = worker, b"once"
    scene.registers()
    scene.asks()


def breaks_protocol(scene: Scene) -> None:
    scene.command(b"\x09")


def three_workers_are_lost(scene: Scene) -> None:
    for _ in range(PARAMS.max_deliveries - 1):
        breaks_protocol(scene)
        scene.registers()
    scene.sent.clear()
    breaks_protocol(scene)


def too_many_bytes(scene: Scene) -> None:
    for number in range(4):
        scene.asks(b"x" * 90, client=b"c%d" % (number + 3))
    scene.sent.clear()
    scene.asks(b"x" * 90)


def too_many_names(scene: Scene) -> None:
    for name in (b"made", b"up"):
        scene.asks(client=C2, service=name)
    scene.sent.clear()
    scene.asks()


def bad_header(scene: Scene) -> None:
    scene.send(C, *scene.client_dialect.client_head, *scene.client_dialect.client_request, b"echo", f.EXTENSION, b"hi")


def no_body(scene: Scene) -> None:
    head = (*scene.client_dialect.client_head, *scene.client_dialect.client_request)
    scene.send(C, *head, b"echo", *([f.write_header(f.RequestHeader())] if scene.is_ours else []))


def none_at_all(scene: Scene) -> None:
    scene.send(C, *scene.client_dialect.client_head)


def drains_and_ends(scene: Scene) -> None:
    scene.drains()
    scene.ends()


def undelivered(what: Callable[[Scene], object], *, gone: bool) -> Callable[[Scene], None]:
    """What is sent to the client is not delivered: it has gone, or does not read."""

    def run(scene: Scene) -> None:
        what(scene)
        (message,) = [one for one in scene.sent if one[0] == C]
        scene.sent.clear()
        scene.state.undeliverable(message, scene.now, gone=gone)
        scene.take()
        assert scene.error("client_gone" if gone else "client_full") == 1

    return run


def answers_after(**unread_kib: int) -> Callable[[Scene], None]:
    """The request is answered, and the next one with 128 KiB when so much waits for clients that do not read."""

    def run(scene: Scene) -> None:
        scene.replies()
        for name, kib in unread_kib.items():
            client = scene.state.clients.meet(name.encode(), Line())
            assert scene.state.clients.admits(client, kib * KIB)
        scene.asks()
        scene.sent.clear()
        scene.replies(b"x" * (128 * KIB))
        assert scene.error("client_bytes") + scene.error("client_hung_up") == 1

    return run


REQUEST_EVENTS: dict[str, Callable[[Scene], object]] = {
    "REQUEST, a worker of the service is idle": steps(Scene.registers, Scene.asks),
    "REQUEST, all workers of the service are busy": steps(Scene.registers, another_waits, Scene.asks),
    "REQUEST, nobody is registered for the service": Scene.asks,
    "REQUEST without a body": no_body,
    "REQUEST for a name that can be no service's": lambda s: s.asks(service=b"\0"),
    "REQUEST of more than `max_body_bytes`": lambda s: s.asks(b"x" * 101),
    "REQUEST, `queue_limit` requests wait": lambda s: s.asks(service=b"tight"),
    "REQUEST, `queue_bytes_limit` bytes wait": too_many_bytes,
    "REQUEST for a new name, `client_services` or `max_services` are known": too_many_names,
    "REQUEST, the broker drains": steps(Scene.drains, Scene.asks),
    "REQUEST whose header cannot be read": bad_header,
    "REQUEST for a service of the broker (MMI)": lambda s: s.asks(service=b"mmi.service"),
    "REQUEST for `mmi.draining`": lambda s: s.asks(service=b"mmi.draining"),
    "a worker registers for the service": lambda s: s.registers(W2),
    "a worker of the service has answered": lambda s: s.replies(client=C2),
    "its deadline passes": lambda s: s.passes(20.0, beats=True),
    "the broker begins to drain": Scene.drains,
    "the broker ends": Scene.ends,
    "its worker answers": Scene.replies,
    "a message that is none": none_at_all,
    "the broker drains and ends": drains_and_ends,
    "the broker begins to drain, the client has gone": undelivered(Scene.drains, gone=True),
    "its worker answers, the client has gone": undelivered(Scene.replies, gone=True),
    "its worker answers, the client has not read `peer_backlog` messages": undelivered(Scene.replies, gone=False),
    "its worker answers, the client has not read half of `client_bytes_limit`": answers_after(c=400),
    "its worker answers, `client_bytes_limit` is reached, most of it waits for this client": answers_after(
        c=350, c2=300, c3=300
    ),
    "its worker answers, `client_bytes_limit` is reached, most of it waits for another": answers_after(c=350, c2=600),
    "its worker answers a part, the client has gone": undelivered(lambda s: s.replies(part=True), gone=True),
    "its worker answers a part, the client speaks 0.2": lambda s: s.replies(part=True),
    "its worker is lost, another is idle": steps(lambda s: s.registers(W2), breaks_protocol),
    "its worker is lost, no other is idle": breaks_protocol,
    "its worker is lost, as `max_deliveries` workers were": three_workers_are_lost,
    "its worker is lost, the service has `idempotent: false`": steps(given_once, breaks_protocol),
    "its worker is lost, a part of the answer was passed on": steps(lambda s: s.replies(part=True), breaks_protocol),
    "its worker is lost, its deadline has passed": steps(lambda s: s.passes(20.0, beats=True), breaks_protocol),
    "its worker did not get it, the service has `idempotent: false`": steps(given_once, lost_request),
    "its worker is ours and disconnects, the service has `idempotent: false`": steps(
        lambda s: given_once(s, OURS), lambda s: s.command(s.dialect.disconnect)
    ),
}


def begin(scene: Scene, state: str) -> None:
    """Bring the request of `C` to a state."""
    if state == "watches":
        scene.asks(service=b"mmi.draining")
    if state in ("waits", "given"):
        scene.registers()
    if state == "waits":
        another_waits(scene)
    if state in ("waits", "given"):
        scene.asks()


def request_state(scene: Scene) -> str:
    """Where the request of `C` is; one that has ended is told nothing any more, whatever happens."""
    if any(worker.request is not None and worker.request.client == C for worker in scene.state.workers.values()):
        return "given"
    if any(request.client == C for service in scene.state.services.all() for request in service.queue):
        return "waits"
    scene.sent.clear()
    scene.drains()
    scene.ends()
    return "watches" if any(identity == C for identity, *_ in scene.sent) else "ended"


@pytest.mark.parametrize("whose", ["ours", "foreign"])
@in_both_versions(REQUESTS)
def test_the_broker_does_with_a_request_what_its_table_says(row: Row, dialect: Dialect, whose: str) -> None:
    state, event, sends, after = row
    scene = Scene(dialect, ours=whose == "ours")
    begin(scene, state)
    scene.sent.clear()
    REQUEST_EVENTS[event](scene)
    if whose == "foreign" and sends.isdigit() and sends != "413":
        sends = "–"
    scene.sent = [one for one in scene.sent if one[0] == C or one[-1] == b"hi"]  # what is not said of the request
    assert (scene.said(C), request_state(scene)) == (sends, after)


def test_the_tables_speak_of_every_command_in_every_state() -> None:
    told_of = {(state, event.split()[0].rstrip(",")) for state, event, _, _ in WORKERS}
    for state in ("none", "idle", "busy"):
        for command in ("READY", "REPLY", "PARTIAL", "HEARTBEAT", "REQUEST", "DISCONNECT"):
            assert (state, command) in told_of
        if state != "none":
            assert {(state, "the broker begins to drain"), (state, "the broker ends")} <= {row[:2] for row in WORKERS}
        assert (state, "a message that is none") in {row[:2] for row in WORKERS}
    for state in ("none", "waits", "given", "watches"):
        assert (state, "a message that is none") in {row[:2] for row in REQUESTS}
        if state != "none":
            ends = "the broker drains and ends" if state == "watches" else "the broker ends"
            assert {(state, "the broker begins to drain"), (state, ends)} <= {row[:2] for row in REQUESTS}
    for rows, events in ((WORKERS, WORKER_EVENTS), (REQUESTS, REQUEST_EVENTS)):
        assert {event for _, event, _, _ in rows} == events.keys()
        states_told = {state for state, *_ in rows}
        assert {after for *_, after in rows} - {"ended"} <= states_told
