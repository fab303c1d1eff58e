"""The environment contract, variable by variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import settings
from actorkit.edge.peers import Peers
from actorkit.errors import SettingsError
from actorkit.graph import BOX, NAME, Box, Options, connect, outbox_of, parse_box, variable_of
from actorkit.transport.endpoint import Endpoint

GOOD = {"ACTORKIT_ACTOR": "place", "ACTORKIT_CLASS": "shop.actors:Place"}
NAMES = st.from_regex(NAME, fullmatch=True)


def test_everything_that_can_be_said() -> None:
    read = settings.read(
        {
            **GOOD,
            "ACTORKIT_TOPOLOGY": "orders",
            "ACTORKIT_PARAMS": '{"a": 1}',
            "ACTORKIT_INSTANCE": "place-7",
            "ACTORKIT_INBOX": "tcp://*:5550",
            "ACTORKIT_OUTBOX_TO_ACK": "tcp://to-ack:5550#place tcp://a:1,tcp://[::1]:2?window=64&key=data/id#copy",
            "ACTORKIT_BROKERS": "tcp://broker:5550 tcp://other:5550",
            "ACTORKIT_ADMIN": "0.0.0.0:9600",
            "ACTORKIT_SOURCE_WINDOW": "7",
            "ACTORKIT_DEAD_LETTERS": "/box",
            "ACTORKIT_DRAIN_TIMEOUT_S": "2.5",
            "ACTORKIT_LOG_FORMAT": "json",
            "ACTORKIT_LOG_LEVEL": "debug",
            "PATH": "/bin",
        }
    )
    assert read == settings.Settings(
        actor="place",
        class_path="shop.actors:Place",
        topology="orders",
        params={"a": 1},
        instance="place-7",
        inbox="tcp://*:5550",
        outboxes={
            "to-ack": (
                Peers(("tcp://to-ack:5550",), "place"),
                Peers(("tcp://a:1", "tcp://[::1]:2"), "copy", Options(window=64, key="data/id")),
            )
        },
        brokers=("tcp://broker:5550", "tcp://other:5550"),
        admin=Endpoint.tcp("0.0.0.0", 9600),
        source_window=7,
        dead_letters=Path("/box"),
        drain_timeout_s=2.5,
        log_format="json",
        log_level="debug",
    )


def test_what_is_not_said_has_its_default() -> None:
    read = settings.read(GOOD)
    assert (read.topology, read.inbox, read.outboxes, read.admin) == ("default", None, {}, None)
    assert (read.source_window, read.drain_timeout_s, read.log_format, read.log_level) == (16384, 20.0, "text", "info")
    assert read.instance


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tcp://a:1", "names no inbox"),
        ("tcp://a:1#", "names no inbox"),
        ("a:1#in", "is not a ZeroMQ endpoint"),
        ("tcp://a:1,#in", "is not a ZeroMQ endpoint"),
        ("tcp://a:1?window=x#in", "Expected `int`"),
        ("tcp://a:1?delivery=maybe#in", "Invalid enum value 'maybe'"),
        ("tcp://a:1?windows=1#in", 'the unknown option "windows"'),
        ("tcp://a:1?actor=A!#in", 'actor is "A!", and no name of an actor'),
    ],
)
def test_a_bad_connection_says_what_was_wanted(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match="ACTORKIT_OUTBOX_X") as caught:
        settings.read({**GOOD, "ACTORKIT_OUTBOX_X": text})
    assert said in caught.value.message


@given(
    st.lists(st.sampled_from(["tcp://a:1", "ipc:///run/x-*.sock", "tcp://[fe80::1]:5"]), min_size=1, max_size=3),
    NAMES,
    st.builds(
        Options,
        delivery=st.sampled_from(["at-least-once", "at-most-once"]),
        window=st.integers(1, 9999),
        key=st.sampled_from(["", "data/id", "attributes/customer"]),
    ),
    st.one_of(st.just(""), NAMES),
)
def test_a_connection_is_read_as_it_was_written(endpoints: list[str], inbox: str, options: Options, actor: str) -> None:
    peers = Peers(tuple(endpoints), inbox, options, actor)
    assert Peers.parse(str(peers)) == peers


@given(st.from_regex(BOX, fullmatch=True))
def test_an_outbox_and_its_variable_name_each_other(outbox: str) -> None:
    assert outbox_of(variable_of(outbox)) == outbox


@given(st.sets(st.text("a1_-", min_size=1, max_size=6).map(lambda text: f"a{text}a"), min_size=2))
def test_two_outboxes_never_share_a_variable(outboxes: set[str]) -> None:
    assert len({variable_of(outbox) for outbox in outboxes}) == len(outboxes)


def test_boxes_are_named_after_the_other_end() -> None:
    assert str(connect(Box("a"), Box("b"))) == "a.b -> b.a"
    assert str(connect(Box("a", "out"), Box("b"))) == "a.out -> b.a"
    assert str(connect(Box("a"), Box("b", "in"))) == "a.b -> b.in"
    assert str(connect(Box("a", "error"), Box("b"))) == "a.error -> b.error-a"
    assert parse_box(" a.out ") == Box("a", "out")
    assert parse_box("a.test_service") == Box("a", "test_service")
    for text in ("", "A", "a_b", "a.b_", "a.", ".a", "a.b.c", "a b", "-a", "a-", "a" * 41):
        with pytest.raises(ValueError, match="is not a box"):
            parse_box(text)
