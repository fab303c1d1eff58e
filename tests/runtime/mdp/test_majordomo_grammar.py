"""The grammar of docs/majordomo.md is that of the code: every message of ours is a sentence of it, and what the broker
refuses is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from actorkit.mdp import frames as f
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.directory.state import ANNOUNCE, BROKERS, HEADER, LEAVE, LIST, Announcement, Listing
from actorkit.mdp.directory.state import Broker as ListedBroker
from actorkit.mdp.titanic.titanic import Titanic
from actorkit.mdp.worker.worker import Worker
from tests.abnf import Grammar
from tests.places import DOCS
from tests.runtime.mdp.broker.bench import Bench
from tests.runtime.mdp.test_golden_frames import HEADERS, MESSAGES
from tests.until import until

GRAMMAR = Grammar((DOCS / "majordomo.md").read_text())
#: One character for the head of a frame, so that no other rule can run across it.
HEADS = {"MORE": "\ue000", "LAST": "\ue001"}

#: Golden message → the rule that it is a sentence of.
RULES = {
    "client REQUEST": "client",
    "client REPLY": "to-client",
    "client PARTIAL": "to-client",
    "client FINAL": "to-client",
    "READY": "worker",
    "worker REQUEST": "to-worker",
    "worker REPLY": "worker",
    "worker FINAL": "worker",
    "HEARTBEAT": "worker",
    "DISCONNECT": "worker",
}


def says(rule: str, message: Sequence[f.Part]) -> bool:
    """Whether a message is a sentence of a rule."""
    parts = [(part if isinstance(part, bytes) else part.bytes).decode("latin-1") for part in message]
    heads = [HEADS["MORE"]] * (len(parts) - 1) + [HEADS["LAST"]]
    text = "".join(head + part for head, part in zip(heads, parts, strict=True))
    return GRAMMAR.matches(rule, text, HEADS)


def test_it_begins_with_what_each_end_says_and_uses_every_other_rule() -> None:
    assert GRAMMAR.unused() == {
        *("client", "to-client", "worker", "to-worker"),
        *("directory", "to-asker", "mmi", "mmi-answer", "routing-id"),
        *("titanic", "titanic-answer"),
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_is_a_sentence(name: str) -> None:
    version, _, kind = name.partition(" ")
    rule, message = RULES[kind], MESSAGES[name][0]
    other = {"0.1": "02", "0.2": "01"}[version]
    assert says(rule, message)
    assert not says(f"{rule}-{other}", message)
    assert says("to-worker", message) is (kind in ("worker REQUEST", "HEARTBEAT", "DISCONNECT"))
    assert not says(rule, message[:-1])
    if kind in ("READY", "HEARTBEAT", "DISCONNECT"):
        assert not says(rule, [*message, b"more"])


@pytest.mark.parametrize("name", HEADERS)
def test_a_golden_header_is_a_sentence(name: str) -> None:
    header = f.write_header(HEADERS[name][0])
    if isinstance(HEADERS[name][0], f.RequestHeader):
        assert says("request-header", [header, b""]) is False  # a frame more is the body's
        assert GRAMMAR.matches("request-header", HEADS["MORE"] + header.decode("latin-1"), HEADS)
        assert says("client", f.client_request(b"orders", [header, b"body"]))
    else:
        assert says("error-header", [header])
        assert says("to-client", f.client_answer(b"orders", [header]))


def test_a_header_has_the_fields_of_the_code() -> None:
    full = f.write_header(f.RequestHeader(ms=70_000, client=f.new_client_name())).decode("latin-1")
    assert GRAMMAR.matches("request-header", HEADS["MORE"] + full, HEADS)
    named: dict[str, type[msgspec.Struct]] = {
        "request-header": f.RequestHeader,
        "error-header": f.ErrorHeader,
    }
    for rule, cls in named.items():
        fields = {field.encode_name for field in msgspec.structs.fields(cls)}
        shown = {
            GRAMMAR.rules[one].split('"')[1] for one in GRAMMAR.names(GRAMMAR.rules[rule]) if '"' in GRAMMAR.rules[one]
        }
        assert shown - {"AK1"} == fields


def test_routing_ids_of_our_workers_are_sentences() -> None:
    several = f.new_process_name() + bytes(f.SLOT_BYTES)
    for identity in (f.OUR_WORKER + bytes(f.SLOT_BYTES), several):
        assert GRAMMAR.matches("routing-id", identity.decode("latin-1"))
    assert not GRAMMAR.matches("routing-id", (several + b"x").decode("latin-1"))


@pytest.mark.parametrize(
    "message",
    [
        [b"", b"MDPC01", b"echo"],
        [b"", b"mdpc01", b"echo", b"hi"],
        [b"MDPC02", b"\x02", b"echo", b"hi"],
        [b"", b"MDPC01", b"n" * 256, b"hi"],
        [b"", b"MDPW01", b"\x01", b""],
        [b"", b"MDPW01", b"\x04", b""],
        [b"", b"MDPW01", b"\x03", b"C", b"x", b"hi"],
        [b"", b"MDPW01", b"\x02", b"C", b"", b"hi"],
        [b"MDPW02", b"\x07"],
    ],
)
def test_what_the_broker_refuses_is_no_sentence(message: list[bytes]) -> None:
    """The broker forwards nothing of it and registers nobody; the grammar has it neither."""
    bench = Bench()
    bench.ready(b"w1")
    bench.send(b"peer", *message)
    assert sum(bench.state.counts.errors.values()) == 1
    assert not says("client", message)
    assert not says("worker", message)


def test_what_a_broker_says_to_everybody_is_a_sentence() -> None:
    bench = Bench()
    bench.ready(b"w1")
    bench.send(b"w2", b"MDPW02", b"\x01", b"both")
    said = [*bench.ask(b"c1"), *bench.reply(b"w1", b"c1"), *bench.ask_ours(b"c2"), *bench.ask_ours(b"c3", ms=500)]
    said += bench.send(b"c4", b"MDPC02", b"\x01", b"both", b"hi")
    said += bench.send(b"w2", b"MDPW02", b"\x03", b"c4", b"", b"part")
    said += bench.send(b"w2", b"MDPW02", b"\x04", b"c4", b"", b"end")
    said += bench.later(3.0)
    said += bench.later(30.0)
    workers = (b"w1", b"w2")
    assert len(said) > 8
    for identity, *message in said:
        assert says("to-worker" if identity in workers else "to-client", message), message
        assert not says("to-client" if identity in workers else "to-worker", message), message


def test_services_of_the_broker_are_asked_and_answered_in_its_words() -> None:
    bench = Bench()
    bench.ready(b"w1")
    for name in (b"mmi.service", b"mmi.workers", b"mmi.queue", b"mmi.max_body"):
        for argument in (b"echo", b"nobody", b""):
            assert says("mmi", [name, argument])
            ((_, *message),) = bench.ask(b"c", argument, service=name)
            assert says("mmi-answer", message[3:]), (name, message)
    for argument in (b'{"name":"tick","holder":"a","ms":1000}', b"[]"):
        ((_, *message),) = bench.ask(b"c", argument, service=b"mmi.lease")
        assert says("mmi", [b"mmi.lease", argument])
        assert says("mmi-answer", message[3:])
    ((_, *message),) = bench.ask(b"c", b"x", service=b"mmi.other")
    assert says("mmi-answer", message[3:])
    assert not says("mmi-answer", [b"perhaps"])


def test_titanic_is_asked_and_answers_in_its_words(
    broker: tuple[str, Broker],
    make_client: Callable[..., Client],
    make_worker: Callable[..., Worker],
    tmp_path: Path,
) -> None:
    make_worker([broker[0]], "echo", lambda body: body)
    client = make_client(broker[0])

    def ask(what: str, *body: bytes, is_sentence: bool = True) -> list[bytes]:
        assert says("titanic", [what.encode(), *body]) is is_sentence
        answer = client.call(what, body, timeout_s=10, retries=1)
        assert says("titanic-answer", answer)
        return answer

    with closing(Titanic([broker[0]], tmp_path / "x.db", limit=2, heartbeat_s=0.25)) as titanic:
        titanic.start()
        status, name = ask("titanic.request", b"echo", b"two", b"frames")
        assert status == b"200"
        assert ask("titanic.request", b"nobody", b"x")[0] == b"200"
        assert ask("titanic.request", b"echo", b"x")[0].startswith(b"500 ")
        assert ask("titanic.request", b"echo", is_sentence=False)[0].startswith(b"500 ")
        until(lambda: ask("titanic.reply", name) == [b"200", b"two", b"frames"], "it is done")
        assert ask("titanic.close", name) == [b"200"]
        assert ask("titanic.reply", name) == [b"400"]
        _, waits = ask("titanic.request", b"nobody", b"y")
        assert ask("titanic.reply", waits.lower()) == [b"300"]
        assert ask("titanic.reply", b"no id", is_sentence=False) == [b"400"]
    assert not says("titanic-answer", [b"404"])


def test_a_registration_service_is_spoken_to_in_its_words() -> None:
    announcement = msgspec.msgpack.encode(Announcement(endpoint="tcp://b:1", ttl_s=1.5))
    listing = msgspec.msgpack.encode(Listing(brokers=[ListedBroker(endpoint="tcp://b:1", age_s=0.0)], complete=True))
    for command in (ANNOUNCE, LEAVE):
        assert says("directory", [b"", HEADER, command, announcement])
        assert not says("directory", [b"", HEADER, command])
    assert says("directory", [b"", HEADER, LIST])
    assert says("to-asker", [b"", HEADER, BROKERS, listing])


def test_the_head_of_a_frame_is_the_one_of_zmtp() -> None:
    """RFC 23 §framing: flags 1 (more follow) and 2 (a length of eight bytes), then the length."""
    for rule, short, long in (("MORE", "\x01\x05", "\x03" + "\0" * 8), ("LAST", "\x00\x05", "\x02" + "\0" * 8)):
        assert GRAMMAR.matches(rule, short)
        assert GRAMMAR.matches(rule, long)
        assert not GRAMMAR.matches(rule, "\x04\x05")  # a command of ZMTP
