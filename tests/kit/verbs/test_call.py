"""`kit call` and `kit services` against the real processes of a `kit run`, and against foreign peers."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from actorkit_kit import python_process
from actorkit_kit.local.state import running_processes
from tests.fleet import Process
from tests.kit.conftest import Kit
from tests.kit.running import DEADLINE_S, KitRun
from tests.until import until

CODE = '''\
from actorkit import Actor, Event, UnprocessableEvent


class Shout(Actor):
    """Says what it got, and as what."""

    def consume(self, event: Event) -> Event | None:
        if event.text() == "bad":
            raise UnprocessableEvent("nobody wants this")
        if event.text() == "none":
            return None
        return event.replace(f"{type(event.data).__name__} {event.text().upper()}")
'''

TOPOLOGY = """\
name: called
actors:
  worker: {uses: mdp-worker, params: {service: shout, capacity: 4}}
  shout: {uses: "shouting:Shout", build: ./code}
connections:
  - worker -> shout -> worker
  - shout.error -> worker
broker: {replicas: 2}
registration: {}
titanic: {params: {retry_s: 0.1}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a topology that `kit run` runs."""
    folder = tmp_path_factory.mktemp("called")
    (folder / "code").mkdir()
    (folder / "code" / "shouting.py").write_text(CODE)
    (folder / "topology.yaml").write_text(TOPOLOGY)
    run = KitRun(folder)
    try:
        run.table()
        yield folder
        assert run.stop() == 0, run.said()
    finally:
        run.close()


@pytest.fixture
def call(kit: Kit, running: Path) -> Callable[..., tuple[int, str, str]]:
    """Runs `kit call` in the folder: (exit status, stdout, stderr)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        done = kit("call", *arguments, cwd=running)
        return done.returncode, done.stdout, done.stderr

    return run


Call = Callable[..., tuple[int, str, str]]


def test_the_body_goes_plain_and_the_answer_comes_plain(call: Call) -> None:
    assert call("shout", "--data", "hello") == (0, "bytes HELLO\n", "")


def test_a_body_from_a_file_or_stdin_is_sent_as_it_is(call: Call, running: Path) -> None:
    (running / "body").write_bytes(b"one\ntwo\n")
    assert call("shout", "--file", "body") == (0, "bytes ONE\nTWO\n", "")
    done = subprocess.run(
        [*python_process.command("actorkit_kit"), "call", "shout", "-f", "-"],
        cwd=running,
        env=python_process.environ(),
        input=b"in",
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"bytes IN\n", b"")


def test_with_a_format_the_body_is_the_data_of_an_event(call: Call) -> None:
    assert call("shout", "--data", '{"a": 1}', "--as", "json") == (0, 'dict {"A":1}\n', "")
    assert call("shout", "--data", "hello", "--as", "text") == (0, "str HELLO\n", "")


@pytest.mark.parametrize("form", [(), ("--as", "text")])
def test_an_error_answer_is_status_4_with_one_line(call: Call, form: tuple[str, ...]) -> None:
    status, out, err = call("shout", "--data", "bad", *form)
    assert (status, out, err.count("\n")) == (4, "", 1)
    assert err.startswith("kit: ")
    assert err.endswith("nobody wants this (422)\n")


def test_an_event_that_is_dealt_with_without_an_answer_is_an_empty_one(call: Call) -> None:
    assert call("shout", "--data", "none", "--as", "text") == (0, "", "")


def test_a_service_without_a_worker_is_status_6(call: Call) -> None:
    status, out, err = call("nobody", "--timeout", "0.5")
    assert (status, out, err.count("\n")) == (6, "", 2)
    said, told = err.splitlines()
    assert said.startswith(
        'kit: nobody answers for "nobody" now; waits 0.5 s for one. Services: shout, titanic.close, '
    )
    assert told.startswith('kit: no worker is registered for "nobody" at ipc://')


def calling(folder: Path, *arguments: str) -> Process:
    """A `kit call` that goes on, with what it writes in files of the folder."""
    command = [*python_process.command("actorkit_kit"), "call", *arguments]
    return Process(python_process.environ(), folder / "err", command=command, out=folder / "out")


def test_that_nobody_answers_is_said_at_once(running: Path, tmp_path: Path) -> None:
    with calling(tmp_path, "nobody", "-d", str(running), "--timeout", "100") as kit:
        until(lambda: 'nobody answers for "nobody" now; waits 100 s' in kit.said(), "it says so", DEADLINE_S)
        assert kit.alive


def test_a_request_for_a_service_that_comes_later_is_answered(running: Path, tmp_path: Path) -> None:
    with calling(tmp_path, "late", "--broker", endpoints(running)[0]) as kit:
        until(lambda: "nobody answers" in kit.said(), "it says so", DEADLINE_S)
        with worker(endpoints(running)[0], b"late", [b"here"]):
            assert kit.wait(DEADLINE_S) == 0
    assert (tmp_path / "out").read_text() == "here\n"


def test_what_kit_run_runs_is_found_by_its_name_and_where_it_is_the_only_one(
    kit: Kit, running: Path, tmp_path: Path
) -> None:
    for arguments in (("-t", "local"), ("-d", "called"), ("-d", "called", "-t", "local")):
        done = kit("call", "shout", "--data", "far", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "bytes FAR\n", "")
    assert kit("services", "-d", "called", cwd=tmp_path).returncode == 0
    assert kit("dlq", "list", "-d", "called", cwd=tmp_path).stdout == "there are no dead letters\n"
    done = kit("call", "shout", "-d", "other", "-t", "local", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "kit: kit run does not run other. Start it, or name its file: -d topology.yaml\n",
    )


def test_a_broker_that_is_not_there_is_status_6(call: Call) -> None:
    status, _, err = call("shout", "--broker", "tcp://127.0.0.1:1", "--timeout", "0.5")
    assert (status, err) == (6, "kit: no broker could be reached at tcp://127.0.0.1:1 (503)\n")


def test_the_answer_as_json_tells_how_it_went(call: Call) -> None:
    status, out, _ = call("shout", "--data", "x", "-o", "json")
    told = json.loads(out)
    assert told.pop("seconds") < DEADLINE_S
    assert (status, told) == (0, {"body": ["bytes X"], "end": "answered", "error": "", "status": 200})
    status, out, _ = call("shout", "--data", "bad", "-o", "json")
    assert (status, json.loads(out)["end"], json.loads(out)["status"]) == (4, "failed", 422)


def test_brokers_are_found_through_a_registration_service(call: Call, running: Path) -> None:
    processes = running_processes(running, "called")
    (endpoint,) = {found["ACTORKIT_BROKERS"] for found in processes if "ACTORKIT_BROKERS" in found}
    assert endpoint.startswith("registry+ipc://")
    assert call("shout", "--data", "x", "--broker", endpoint) == (0, "bytes X\n", "")


def test_several_frames_make_a_durable_request_from_a_shell(call: Call) -> None:
    status, out, _ = call("titanic.request", "--data", "shout", "--data", "kept")
    assert (status, out.split("\n")[0]) == (0, "200")
    name = out.split("\n")[1]

    def answer() -> tuple[int, str, str] | None:
        told = call("titanic.reply", "--data", name)
        return told if told[1] != "300\n" else None

    assert until(answer, "the request is done") == (0, "200\nbytes KEPT\n", "")


def test_every_broker_lists_its_services(kit: Kit, running: Path) -> None:
    # The worker looks for brokers each second, and has half of its places at each of the two.
    wanted = [["broker-1", "shout", "2", "0", "2", "0"], ["broker-2", "shout", "2", "0", "2", "0"]]

    def rows() -> list[list[str]]:
        done = kit("services", cwd=running)
        assert (done.returncode, done.stderr) == (0, "")
        lines = [line.split() for line in done.stdout.splitlines()]
        return lines if all(row in lines for row in wanted) else []

    header = until(rows, "both brokers have the worker", DEADLINE_S)[0]
    assert header == ["BROKER", "SERVICE", "WORKERS", "BUSY", "IDLE", "QUEUE", "OLDEST"]
    told = json.loads(kit("services", "-o", "json", cwd=running).stdout)
    assert [each["broker"] for each in told] == ["broker-1", "broker-2"]
    assert told[0]["services"]["shout"] == {"workers": 2, "busy": 0, "idle": 2, "queue": 0, "oldest_s": 0.0}


def test_a_broker_that_does_not_answer_is_a_row_and_status_1(kit: Kit, running: Path) -> None:
    done = kit("services", "--broker", "tcp://127.0.0.1:1", cwd=running)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split() == ["tcp://127.0.0.1:1", "no", "answer"]
    assert done.stderr == "kit: tcp://127.0.0.1:1: no broker could be reached at tcp://127.0.0.1:1\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("shout", "--broker", "nonsense"), '--broker: "nonsense" is not a ZeroMQ endpoint.'),
        (("shout", "--file", "nowhere"), 'the file "nowhere" cannot be read'),
        (("", "--data", "x"), "a service's name has 1 to 255 bytes."),
        (("shout", "--keys", "nowhere"), "--keys goes with --broker."),
        (("shout", "--raw", "-o", "json"), "--raw writes the bytes of the answer, -o json tells about it."),
    ],
)
def test_what_cannot_be_meant_is_status_2(call: Call, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = call(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_keys_that_are_none_are_told_in_one_line(call: Call, running: Path) -> None:
    (running / "wrong").write_text("{}")
    status, _, err = call("shout", "--broker", "tcp://127.0.0.1:1", "--keys", "wrong")
    assert (status, err.count("\n")) == (1, 1)
    assert "the brokers cannot be asked: " in err


def test_a_topology_that_does_not_run_is_told_so(kit: Kit, running: Path, tmp_path: Path) -> None:
    shutil.copytree(running / "code", tmp_path / "code")
    shutil.copy(running / "topology.yaml", tmp_path)
    done = kit("call", "shout", "-t", "local", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert '"called" does not run on this machine. Start it with kit run' in done.stderr


@contextmanager
def worker(endpoint: str, service: bytes, answer: list[bytes] | None) -> Iterator[list[list[bytes]]]:
    """A worker as RFC 7 has it, made of nothing but pyzmq; without an answer it keeps silent. Gives what it got."""
    got: list[list[bytes]] = []
    stop = threading.Event()

    def serve() -> None:
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(endpoint)
            dealer.send_multipart([b"", b"MDPW01", b"\x01", service])
            while not stop.is_set():
                if not dealer.poll(50):
                    dealer.send_multipart([b"", b"MDPW01", b"\x04"])
                    continue
                frames = dealer.recv_multipart()
                if frames[2] == b"\x02":
                    got.append(frames[5:])
                    if answer is not None:
                        dealer.send_multipart([b"", b"MDPW01", b"\x03", frames[3], b"", *answer])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield got
    finally:
        stop.set()
        thread.join()


def endpoints(running: Path) -> list[str]:
    found = running_processes(running, "called")
    return [each["ACTORKIT_INBOX"] for each in found if each["ACTORKIT_ACTOR"] == "broker"]


def test_a_foreign_worker_gets_the_body_and_nothing_else(call: Call, running: Path) -> None:
    broker = endpoints(running)[0]
    with worker(broker, b"foreign", [b"a", b"\xff"]) as got:
        told = json.loads(call("foreign", "--data", "plain", "--broker", broker, "-o", "json")[1])
    assert got == [[b"plain"]]
    assert told["body"] == ["a", {"base64": "/w=="}]


@pytest.mark.parametrize(
    ("answer", "written", "raw"),
    [
        ([b"text"], b"text\n", b"text"),
        ([b"text\n"], b"text\n", b"text\n"),
        ([b"one", b"two"], b"one\ntwo\n", b"onetwo"),
        ([b"\x89PNG\xff"], b"\x89PNG\xff", b"\x89PNG\xff"),
        ([b""], b"", b""),
    ],
)
def test_an_answer_that_is_text_ends_with_a_line_end_and_other_bytes_stay_as_they_are(
    running: Path, tmp_path: Path, answer: list[bytes], written: bytes, raw: bytes
) -> None:
    broker = endpoints(running)[0]
    for name, options, wanted in (("lines", (), written), ("bytes", ("--raw",), raw)):
        (tmp_path / name).mkdir()
        with worker(broker, b"bytes", answer), calling(tmp_path / name, "bytes", "--broker", broker, *options) as kit:
            assert kit.wait(DEADLINE_S) == 0
        assert (tmp_path / name / "out").read_bytes() == wanted


def test_a_worker_that_keeps_silent_is_status_5(call: Call, running: Path) -> None:
    broker = endpoints(running)[0]
    with worker(broker, b"silent", None):
        status, out, err = call("silent", "--broker", broker, "--timeout", "1")
    assert (status, out, err.count("\n")) == (5, "", 1)
    assert 'kit: "silent"' in err
    assert err.endswith("(504)\n")


def test_a_foreign_broker_sees_only_what_rfc_7_has(call: Call) -> None:
    seen: list[Any] = []
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        port = router.bind_to_random_port("tcp://127.0.0.1")

        def serve() -> None:
            while router.poll(10_000):
                frames = router.recv_multipart()
                seen.append(frames[1:])
                router.send_multipart([*frames[:4], b"answer"])
                return

        thread = threading.Thread(target=serve)
        thread.start()
        told = call("echo", "--data", "x", "--broker", f"tcp://127.0.0.1:{port}", "--foreign")
        thread.join()
    assert seen == [[b"", b"MDPC01", b"echo", b"x"]]
    assert told == (0, "answer\n", "")
