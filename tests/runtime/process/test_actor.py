"""`python -m actorkit` as a process: what it says, what it exits with, and that nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import PYTHONPATH, Fleet, Process, fetch
from tests.until import until


def run(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, **variables}
    return subprocess.run(
        [sys.executable, "-m", "actorkit"], env=environment, capture_output=True, text=True, timeout=30
    )


GOOD = {"ACTORKIT_ACTOR": "a", "ACTORKIT_CLASS": "tests.probes:Pass"}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "ACTORKIT_ACTOR is not set"),
        ({**GOOD, "ACTORKIT_ACTOR": "No Name"}, 'ACTORKIT_ACTOR is "No Name"'),
        ({**GOOD, "ACTORKIT_CLASS": "tests.probes"}, 'ACTORKIT_CLASS is "tests.probes"'),
        ({**GOOD, "ACTORKIT_CLASS": "tests.nothing:Pass"}, 'no module "tests.nothing"'),
        ({**GOOD, "ACTORKIT_CLASS": "tests.probes:Nothing"}, '"Nothing" is no actor class'),
        ({**GOOD, "ACTORKIT_PARAMS": "{"}, "ACTORKIT_PARAMS is not a JSON object"),
        ({**GOOD, "ACTORKIT_PARAMS": '{"pause_s": "\udcff"}'}, "ACTORKIT_PARAMS is not a JSON object"),
        ({**GOOD, "ACTORKIT_PARAMS": '{"pause": 1}'}, 'Did you mean "pause_s"?'),
        ({**GOOD, "ACTORKIT_PARAMS": '{"pause_s": "x"}'}, "pause_s: expected `float`"),
        ({**GOOD, "ACTORKIT_INBOX": "tcp:/*:5550"}, 'ACTORKIT_INBOX: "tcp:/*:5550" is not a ZeroMQ endpoint'),
        ({**GOOD, "ACTORKIT_OUTBOX_X": "tcp://a:1"}, 'ACTORKIT_OUTBOX_X: "tcp://a:1" names no inbox'),
        ({**GOOD, "ACTORKIT_OUTBOX_X": "tcp://a:1?windwo=1#b"}, 'the unknown option "windwo"'),
        ({**GOOD, "ACTORKIT_ADMIN": "9600"}, 'ACTORKIT_ADMIN is "9600"; wanted: host:port'),
        ({**GOOD, "ACTORKIT_DRAIN_TIMEOUT_S": "-1"}, 'ACTORKIT_DRAIN_TIMEOUT_S is "-1"'),
        ({**GOOD, "ACTORKIT_LOG_FORMAT": "xml"}, 'ACTORKIT_LOG_FORMAT is "xml"; wanted: one of text, json'),
        ({**GOOD, "ACTORKIT_WINDWO": "1"}, "ACTORKIT_WINDWO is not a setting"),
    ],
)
def test_a_bad_variable_is_one_line_and_status_78(variables: dict[str, str], said: str) -> None:
    ended = run(variables)
    assert ended.returncode == 78
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("actorkit: ")


def test_a_setup_that_fails_is_status_1_with_its_own_traceback() -> None:
    ended = run({**GOOD, "ACTORKIT_CLASS": "tests.probes:Broken"})
    assert ended.returncode == 1
    assert "OSError: the disk is on fire" in ended.stderr


def test_a_port_in_use_is_one_line_and_status_78(fleet: Fleet) -> None:
    first = fleet.start("a", "tests.probes:Pass", inbox="tcp://127.0.0.1:*")
    until(first.ready, "the first is ready")
    address = first.admin.removeprefix("http://")
    ended = run({**GOOD, "ACTORKIT_ADMIN": address})
    assert ended.returncode == 78
    assert f"ACTORKIT_ADMIN is {address}, and it cannot be bound" in ended.stderr


def test_the_three_pages_mean_three_things(fleet: Fleet) -> None:
    lonely = fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 0}')
    until(lambda: lonely.admin, "the admin server is there")
    assert fetch(f"{lonely.admin}/healthz") == (200, "alive\n")
    until(lambda: fetch(f"{lonely.admin}/readyz")[1].startswith("no peer behind down ("), "it says what is missing")
    assert fetch(f"{lonely.admin}/readyz")[0] == 503
    assert lonely.metric("actorkit_ready") == 0
    assert fetch(f"{lonely.admin}/nothing")[0] == 404
    fleet.start("down", "tests.probes:Pass")
    until(lonely.ready, "ready as soon as there is a peer")
    assert lonely.metric("actorkit_peers", outbox="down", destination="down") == 1


def test_a_peer_that_may_be_absent_keeps_nobody_from_being_ready(fleet: Fleet) -> None:
    outboxes = {"outbox_down": "down", "outbox_other": "other"}
    alone = fleet.start("up", "tests.probes:Source", 1, may_be_absent="down", params='{"count": 0}', **outboxes)
    until(lambda: alone.admin, "the admin server is there")
    until(lambda: fetch(f"{alone.admin}/readyz")[1].startswith("no peer behind other ("), "one of two is missed")
    fleet.start("other", "tests.probes:Pass")
    until(alone.ready, "ready without the other one")


def test_logs_are_json_with_the_event_at_hand(fleet: Fleet) -> None:
    down = fleet.start("down", "tests.probes:Pass", params='{"fail_every": 1}', log_format="json")
    up = fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 1}')
    until(lambda: down.admin and down.metric("actorkit_events_failed_total") == 1, "one event fails")
    entries = [json.loads(line) for line in down.log.read_text().splitlines()]
    failed = next(entry for entry in entries if entry["message"].startswith("consume failed"))
    assert (failed["topology"], failed["actor"], failed["level"]) == ("test", "down", "info")
    assert failed["instance"]
    assert len(failed["event"]) == 16
    assert up.stop() == 0


def test_an_instance_whose_worker_ends_does_not_go_on_without_it(fleet: Fleet) -> None:
    down = fleet.start("down", "tests.probes:Leaver")
    up = fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 1}')
    assert down.wait(20) == 1
    assert "consume has ended its worker; the instance ends" in down.log.read_text()
    assert "tests.probes.Exit: bye" in down.log.read_text()
    until(lambda: up.metric("actorkit_unfinished") == 1, "its event is kept")


def results(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(file.read_text())
    return read


def counted(process: Process, count: int) -> bool:
    return process.metric("actorkit_unfinished") == 0 and process.metric("actorkit_events_out_total") >= count


def chain(
    fleet: Fleet, tmp_path: Path, count: int, passes: int, **params: float
) -> tuple[Process, list[Process], Process]:
    """source → `passes` replicas → sink."""
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(tmp_path / "seen.json")}))
    between = [
        fleet.start("pass", "tests.probes:Pass", number, outbox_sink="sink", params=json.dumps(params))
        for number in range(passes)
    ]
    for process in [sink, *between]:
        until(process.ready, f"{process.variables['ACTORKIT_ACTOR']} is ready")
    source = fleet.start("source", "tests.probes:Source", outbox_pass="pass", params=json.dumps({"count": count}))
    until(source.ready, "the source is ready")
    return source, between, sink


def test_every_event_arrives_once_and_in_order(fleet: Fleet, tmp_path: Path) -> None:
    source, (between,), sink = chain(fleet, tmp_path, 20_000, 1)
    until(lambda: counted(source, 20_000), "all is acknowledged")
    assert [source.stop(), between.stop(), sink.stop()] == [0, 0, 0]
    assert results(tmp_path / "seen.json")["order"] == list(range(20_000))


def test_killed_instances_lose_nothing_and_the_sink_sees_each_event_once(fleet: Fleet, tmp_path: Path) -> None:
    source, between, sink = chain(fleet, tmp_path, 30_000, 2)
    for round_ in range(1, 7):
        until(
            lambda: sink.metric("actorkit_events_in_total") >= min(round_ * 3_000, 29_000),  # noqa: B023
            "events go on arriving",
        )
        victim = round_ % 2
        between[victim].kill()
        between[victim] = fleet.restart(between[victim])
    until(lambda: counted(source, 30_000), "all is acknowledged", timeout_s=90)
    for process in between:  # One that was just started again must be able to hear the signal.
        until(process.ready, "the replica is ready")
    assert source.stop() == 0
    assert [process.stop() for process in between] == [0, 0]
    assert sink.stop() == 0
    seen = results(tmp_path / "seen.json")["seen"]
    assert len(seen) == 30_000
    assert set(seen.values()) == {1}


def test_a_stopped_instance_finishes_what_it_has_and_exits_0(fleet: Fleet, tmp_path: Path) -> None:
    source, between, sink = chain(fleet, tmp_path, 2_000, 2, pause_s=0.001)
    until(lambda: sink.metric("actorkit_events_in_total") > 100, "events arrive")
    assert between[0].stop() == 0
    until(lambda: counted(source, 2_000), "the other one does the rest")
    assert [source.stop(), between[1].stop(), sink.stop()] == [0, 0, 0]
    seen = results(tmp_path / "seen.json")["seen"]
    assert len(seen) == 2_000
    assert set(seen.values()) == {1}


def test_a_hung_instance_is_left_out_and_what_it_held_is_sent_again(fleet: Fleet, tmp_path: Path) -> None:
    source, between, sink = chain(fleet, tmp_path, 3_000, 2, pause_s=0.001)
    until(lambda: sink.metric("actorkit_events_in_total") > 100, "events arrive")
    between[0].signal(signal.SIGSTOP)
    until(lambda: counted(source, 3_000), "the other one does all of it", timeout_s=40)
    between[0].signal(signal.SIGCONT)
    until(lambda: between[0].metric("actorkit_in_work") == 0, "the hung one finishes")
    assert source.stop() == 0
    assert [process.stop() for process in between] == [0, 0]
    assert sink.stop() == 0
    seen = results(tmp_path / "seen.json")["seen"]
    assert len(seen) == 3_000
    assert set(seen.values()) == {1}


def test_a_new_replica_takes_its_share(fleet: Fleet, tmp_path: Path) -> None:
    source, _, sink = chain(fleet, tmp_path, 1_000_000, 1, pause_s=0.002)
    until(lambda: sink.metric("actorkit_events_in_total") > 10, "events arrive")
    late = fleet.start("pass", "tests.probes:Pass", 7, outbox_sink="sink", params='{"pause_s": 0.002}')
    until(late.ready, "the new one is ready")
    until(lambda: late.metric("actorkit_events_in_total") > 100, "it works")
    assert source.metric("actorkit_peers", outbox="pass") == 2


def test_a_slow_sink_holds_the_source_back(fleet: Fleet, tmp_path: Path) -> None:
    params = json.dumps({"file": str(tmp_path / "seen.json"), "pause_s": 0.01})
    sink = fleet.start("sink", "tests.probes:Sink", params=params)
    source = fleet.start(
        "source", "tests.probes:Source", outbox_sink="sink", params='{"count": 1000000}', source_window="100"
    )
    until(lambda: source.admin and source.metric("actorkit_unfinished") == 100, "the window is full")
    until(lambda: sink.metric("actorkit_events_in_total") > 150, "events arrive")
    assert source.metric("actorkit_unfinished") <= 100
    assert fetch(f"{source.admin}/readyz") in [(503, "100 events are unfinished\n"), (200, "ready\n")]


def test_a_loop_with_full_windows_does_not_stand_still(fleet: Fleet, tmp_path: Path) -> None:
    """Every event passes the loop five times, and every window in it is full all the time."""
    sink = fleet.start("sink", "tests.probes:Sink", params=json.dumps({"file": str(tmp_path / "seen.json")}))
    narrow = "?window=2#in"
    folder = fleet.folder
    back = fleet.start("back", "tests.probes:Pass", outbox_lap="lap")
    lap = fleet.start("lap", "tests.probes:Lap", outbox_again="back", outbox_out="sink")
    source = fleet.start(
        "source", "tests.probes:Source", outbox_lap="lap", params='{"count": 3000}', source_window="64"
    )
    for process, outbox, peer in (
        (back, "LAP", "lap"),
        (lap, "AGAIN", "back"),
        (lap, "OUT", "sink"),
        (source, "LAP", "lap"),
    ):
        process.variables[f"ACTORKIT_OUTBOX_{outbox}"] = f"ipc://{folder}/{peer}-*.sock{narrow}"
    for process in (back, lap, source):
        process.kill()
    back, lap, source = fleet.restart(back), fleet.restart(lap), fleet.restart(source)
    until(lambda: counted(source, 3_000), "all is acknowledged", timeout_s=60)
    assert lap.metric("actorkit_events_in_total") == 15_000
    for process in (source, lap, back, sink):
        assert process.stop() == 0
    seen = results(tmp_path / "seen.json")["seen"]
    assert len(seen) == 3_000
    assert set(seen.values()) == {1}


def test_an_instance_that_comes_back_at_another_address_gets_what_its_predecessor_held(
    fleet: Fleet, tmp_path: Path
) -> None:
    source, (between,), sink = chain(fleet, tmp_path, 3_000, 1, pause_s=0.001)
    until(lambda: sink.metric("actorkit_events_in_total") > 100, "events arrive")
    between.kill()
    (fleet.folder / "pass-0.sock").unlink()
    other = fleet.start("pass", "tests.probes:Pass", 9, outbox_sink="sink")
    until(lambda: counted(source, 3_000), "all is acknowledged", timeout_s=60)
    assert [source.stop(), other.stop(), sink.stop()] == [0, 0, 0]
    seen = results(tmp_path / "seen.json")["seen"]
    assert len(seen) == 3_000
    assert set(seen.values()) == {1}


def test_what_is_unfinished_at_the_end_of_the_drain_is_said_by_the_exit_status(fleet: Fleet, tmp_path: Path) -> None:
    source = fleet.start(
        "source", "tests.probes:Source", outbox_sink="sink", params='{"count": 10}', drain_timeout_s="0.5"
    )
    until(lambda: source.admin and source.metric("actorkit_backlog") == 10, "events wait for a peer")
    assert source.stop() == 75
    assert "the time to drain is over" in source.log.read_text()


def test_garbage_is_counted_and_the_instance_lives(fleet: Fleet) -> None:
    import zmq

    sink = fleet.start("sink", "tests.probes:Pass", inbox="tcp://127.0.0.1:*")
    until(sink.ready, "it is ready")
    endpoint = sink.log.read_text().partition("inbox at ")[2].split()[0]
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.rcvtimeo = 5000
        dealer.connect(endpoint)
        for frames in ([b""], [b"\xff\x00junk"], [b"a", b"b", b"c"], [b"\x92\xa1B\x01"], [os.urandom(2000)]):
            dealer.send_multipart(frames)
        assert b"malformed" in dealer.recv()
    until(lambda: sink.metric("actorkit_frames_rejected_total", reason="malformed") == 5, "all are counted")
    assert sink.stop() == 0


@pytest.mark.parametrize(("inbox", "told"), [("tcp://*:*", 1), ("tcp://127.0.0.1:*", 0)])
def test_an_inbox_in_the_clear_that_others_can_reach_says_so_once(fleet: Fleet, inbox: str, told: int) -> None:
    actor = fleet.start("pass", "tests.probes:Pass", inbox=inbox)
    until(actor.ready, "it is ready")
    assert actor.log.read_text().count("the inbox is in the clear, and other hosts can reach it") == told
    assert actor.stop() == 0


#: A socket in this state is closed without a word to its peer (Linux, tcp(7)).
TCP_REPAIR = 19


def zmtp_dealer(endpoint: str) -> socket.socket:
    """A TCP connection that has shaken hands as a DEALER (ZMTP 3.1, RFC 37, NULL mechanism)."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    peer = socket.create_connection((host, int(port)), timeout=20)
    peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32))
    name, value = b"Socket-Type", b"DEALER"
    ready = b"\x05READY" + bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
    peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
    return peer


def test_a_peer_that_is_gone_without_a_word_is_noticed_though_nothing_is_sent(fleet: Fleet) -> None:
    sink = fleet.start("sink", "tests.probes:Pass", inbox="tcp://127.0.0.1:*")
    until(sink.ready, "it is ready")
    with zmtp_dealer(sink.log.read_text().partition("inbox at ")[2].split()[0]) as peer:
        peer.recv(4096)
        try:
            peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            pytest.skip("a connection can be cut off in silence by root only")
    until(lambda: sink.metric("actorkit_connections_lost_total") == 1, "it is counted")
    assert sink.ready()
    assert sink.stop() == 0


def test_a_frame_that_is_too_long_ends_the_connection_and_the_instance_lives(fleet: Fleet) -> None:
    sink = fleet.start("sink", "tests.probes:Pass", inbox="tcp://127.0.0.1:*")
    until(sink.ready, "it is ready")
    with zmtp_dealer(sink.log.read_text().partition("inbox at ")[2].split()[0]) as peer:
        peer.sendall(b"\x02" + (1 << 40).to_bytes(8, "big") + b"x" * 1000)  # a long frame of one tebibyte
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(4096):
                pass
    until(lambda: sink.metric("actorkit_connections_lost_total") == 1, "it is counted")
    assert sink.ready()
    assert sink.metric("process_resident_memory_bytes") < 200e6


def test_a_peer_that_says_goodbye_is_not_counted_as_lost(fleet: Fleet) -> None:
    sink = fleet.start("sink", "tests.probes:Pass")
    for ends in (Process.stop, Process.kill):
        source = fleet.start("source", "tests.probes:Source", outbox_sink="sink", params='{"count": 9}')
        until(lambda: counted(source, 9), "all is acknowledged")  # noqa: B023  # called at once
        ends(source)
    until(lambda: sink.metric("actorkit_connections_lost_total") == 1, "the one that was killed is counted")
    assert sink.stop() == 0
