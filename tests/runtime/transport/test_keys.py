"""Edges with CURVE keys: who has the topology's pair gets in, nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import zmq

from actorkit.errors import SettingsError
from actorkit.transport import topology_keys
from actorkit.transport.curve import present_keys
from actorkit.transport.topology_keys import generate
from tests.fleet import Fleet
from tests.until import until


def written(path: Path, **changes: str) -> Path:
    keys = generate()
    path.write_text(json.dumps({"public_key": keys.public_key, "secret_key": keys.secret_key} | changes))
    return path


def test_events_travel_between_those_who_have_the_pair(fleet: Fleet, tmp_path: Path) -> None:
    keys = str(written(tmp_path / "keys"))
    params = json.dumps({"file": str(tmp_path / "seen")})
    sink = fleet.start("sink", "tests.probes:Sink", keys=keys, params=params, inbox="tcp://127.0.0.1:*")
    until(sink.ready, "the sink is ready")
    endpoint = sink.log.read_text().partition("inbox at ")[2].split()[0]
    source = fleet.start("source", "tests.probes:Source", keys=keys, params='{"count": 1000}')
    source.kill()
    source.variables["ACTORKIT_OUTBOX_SINK"] = f"{endpoint}#source"
    source = fleet.restart(source)
    until(lambda: source.metric("actorkit_events_out_total") == 1000, "all is sent")
    until(lambda: source.metric("actorkit_unfinished") == 0, "all is acknowledged")

    assert sink.metric("actorkit_events_in_total") == 1000


@pytest.mark.parametrize("stranger", ["without keys", "with the key of another topology", "with a pair of its own"])
def test_nobody_else_gets_a_frame_in(fleet: Fleet, tmp_path: Path, stranger: str) -> None:
    file = written(tmp_path / "keys")
    sink = fleet.start("sink", "tests.probes:Pass", keys=str(file), inbox="tcp://127.0.0.1:*")
    until(sink.ready, "it is ready")
    endpoint = sink.log.read_text().partition("inbox at ")[2].split()[0]
    own, topology = generate(), topology_keys.read(file)
    keys = {
        "with the key of another topology": own.client,
        "with a pair of its own": msgspec.structs.replace(own.client, server_key=topology.public_key),
    }.get(stranger)
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        if keys is not None:
            present_keys(dealer, keys)
        monitor = dealer.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_DISCONNECTED
        )
        dealer.connect(endpoint)
        dealer.send(b"\xff\x00junk")
        assert monitor.poll(10_000), "the handshake fails"
        dealer.disable_monitor()
        monitor.close()
    denied = stranger == "with a pair of its own"
    until(
        lambda: (sink.metric("actorkit_frames_rejected_total", reason="no-key") > 0) == denied,
        "who has a wrong key is counted",
    )
    assert sink.metric("actorkit_frames_rejected_total", reason="malformed") == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "Object missing required field"),
        ('{"public_key": "x", "secret_key": "y"}', "Expected `str` of length >= 40"),
        (json.dumps({"public_key": generate().public_key, "secret_key": generate().secret_key}), "are no pair"),
    ],
)
def test_a_bad_key_file_is_one_line_without_a_key(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        topology_keys.read(file)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    for key in json.loads(content).values():
        assert len(key) < 40 or key not in caught.value.message
    with pytest.raises(SettingsError, match="cannot be read"):
        topology_keys.read(tmp_path / "nothing")
