"""HTTP, broker, workers and executors as real processes: whoever asks is told what became of it, whatever ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from actorkit import Actor, JSONEvent, MalformedEvent
from actorkit.mdp.broker.broker import Broker
from tests.fleet import Fleet, Process
from tests.ports import free_port
from tests.until import until

WEB = "actorkit_actors.http.http_server:HTTPServer"
BASIC = "actorkit_actors.auth.basic_auth:BasicAuth"
CLIENT = "actorkit_actors.mdp.mdp_client:MDPClient"
WORKER = "actorkit_actors.mdp.mdp_worker:MDPWorker"


class Execute(Actor):
    """Takes its time, and answers; fails where it is told to."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        concurrency: int = 50

    def consume(self, event: JSONEvent) -> JSONEvent:
        time.sleep(event.data.get("takes_s", 0.0))
        if "fail" in event.data:
            raise MalformedEvent(event.data["fail"])
        return event.replace({"done": event.data["n"]})


@pytest.fixture
def broker() -> Iterator[str]:
    running = Broker("tcp://127.0.0.1:*")
    endpoint = running.bind()
    thread = threading.Thread(target=running.run)
    thread.start()
    yield endpoint
    running.stop()
    thread.join(timeout=20)


class Circle:
    """web -> place -> broker -> worker -> execute, and back; no error connection anywhere."""

    def __init__(self, fleet: Fleet, broker: str) -> None:
        self._fleet = fleet
        self._broker = broker
        self._number = 0
        self.ports: list[int] = []

    def start(self, workers: int = 2) -> list[Process]:
        """One set of all instances, ready."""
        port = free_port()
        made = [
            self._one("web", WEB, {"port": port, "host": "127.0.0.1", "routes": [{"path": "/<queue>"}]}, "place"),
            self._one("place", CLIENT, {"service": "orders"}, "web"),
            *(self._one("worker", WORKER, {"service": "orders", "capacity": 64}, "execute") for _ in range(workers)),
            *(self._one("execute", "tests.actors.test_full_circle:Execute", {}, "worker") for _ in range(2)),
        ]
        for process in made:
            until(process.ready, "it is ready", 60)
        self.ports.insert(0, port)
        return made

    def _one(self, actor: str, cls: str, params: dict[str, object], outbox: str) -> Process:
        self._number += 1
        return self._fleet.start(
            actor,
            cls,
            self._number,
            params=json.dumps(params),
            brokers=self._broker,
            **{f"outbox_{outbox}": outbox},
        )

    def ask(self, order: dict[str, object], port: int = 0) -> tuple[int, str]:
        """POST an order; (status, body)."""
        with closing_connection(port or self.ports[0]) as connection:
            connection.request("POST", "/place", json.dumps(order), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@contextmanager
def closing_connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def test_a_failure_behind_the_broker_is_the_clients_answer(fleet: Fleet, broker: str) -> None:
    circle = Circle(fleet, broker)
    circle.start()
    assert circle.ask({"n": 1}) == (200, '{"done":1}')
    status, body = circle.ask({"n": 1, "fail": "there is no tea"})
    assert (status, json.loads(body)["errors"][0]["message"]) == (400, "there is no tea")
    assert circle.ask({})[0] == 500


def test_a_wrong_password_is_answered_with_its_challenge_and_is_no_dead_letter(fleet: Fleet) -> None:
    port = free_port()
    params = json.dumps({"port": port, "host": "127.0.0.1", "routes": [{"path": "/<queue>"}]})
    users = json.dumps({"users": "ann:secret", "realm": "orders"})
    letters = fleet.folder / "letters"
    web = fleet.start("web", WEB, params=params, outbox_auth="auth")
    auth = fleet.start("auth", BASIC, params=users, outbox_web="web", dead_letters=str(letters))
    for process in (web, auth):
        until(process.ready, "it is ready")
    with closing_connection(port) as connection:
        connection.request("POST", "/auth", "{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["errors"][0]["message"]) == (
            401,
            "a name and a password are required",
        )
        assert str(answer.headers["WWW-Authenticate"]).startswith('Basic realm="orders"')
        assert len(str(answer.headers["X-Request-ID"])) == 16
    assert not list(letters.glob("*"))
    assert auth.metric("actorkit_events_failed_total") == 1


def test_a_worker_that_is_told_to_end_gets_the_answers_that_are_still_in_work(fleet: Fleet, broker: str) -> None:
    circle = Circle(fleet, broker)
    processes = circle.start()
    worker = next(one for one in processes if one.variables["ACTORKIT_ACTOR"] == "worker")
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(circle.ask, {"n": n, "takes_s": 1.5}) for n in range(20)]
        until(lambda: worker.metric("actorkit_unfinished") > 0, "it has some of them")
        worker.signal(signal.SIGTERM)
        answers = Counter(one.result() for one in asked)
    assert answers == {(200, f'{{"done":{n}}}'): 1 for n in range(20)}
    assert worker.wait(20) == 0


@pytest.mark.timeout(400)
def test_all_instances_are_rolled_at_once_under_load_and_nobody_is_told_what_is_not_true(
    fleet: Fleet, broker: str
) -> None:
    circle, answers, ended = Circle(fleet, broker), Counter[tuple[int, bool]](), threading.Event()
    old = circle.start()

    def client() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            try:
                status, body = circle.ask({"n": number, "takes_s": 0.2})
            except (OSError, http.client.HTTPException):
                answers[0, True] += 1  # The front itself has ended.
            else:
                answers[status, json.loads(body or "null") == {"done": number}] += 1
            ended.wait(0.05)

    with ThreadPoolExecutor(10) as pool:
        clients = [pool.submit(client) for _ in range(10)]
        try:
            for _ in range(10):
                new = circle.start()
                for process in old:
                    process.signal(signal.SIGTERM)
                assert [process.wait(40) for process in old] == [0] * len(old)
                old = new
        finally:
            ended.set()
        for one in clients:
            one.result()
    assert answers.keys() <= {(200, True), (0, True)}, answers
    assert answers[200, True] > 100


def test_what_a_client_asked_for_that_has_hung_up_is_begun_at_no_actor(fleet: Fleet) -> None:
    """web -> pass -> execute -> web: execute is at work on the first order, and the others wait for it."""
    port = free_port()
    params = json.dumps({"port": port, "host": "127.0.0.1", "timeout_s": 60, "routes": [{"path": "/<queue>"}]})
    web = fleet.start("web", WEB, params=params, outbox_pass="pass")
    passing = fleet.start("pass", "tests.probes:Pass", outbox_execute="execute")
    one = json.dumps({"concurrency": 1})
    execute = fleet.start("execute", "tests.actors.test_full_circle:Execute", outbox_web="web", params=one)
    for process in (web, passing, execute):
        until(process.ready, "it is ready")
    body = json.dumps({"n": 1, "takes_s": 3}).encode()
    head = b"POST /pass HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    for client in clients:
        client.sendall(head + body)
    until(lambda: passing.metric("actorkit_events_out_total") == 5, "all have come to execute")
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    until(lambda: execute.metric("actorkit_events_dropped_total", reason="expired") == 4, "the others are dropped")
    until(lambda: web.metric("actorkit_unfinished") == 0, "nothing is unfinished")


def test_whatever_is_killed_nobody_is_told_what_is_not_true(fleet: Fleet) -> None:
    """web -> pass (2) -> execute (2) -> web: half of the orders fail, and their failures go home through `pass`."""
    port = free_port()
    params = json.dumps({"port": port, "host": "127.0.0.1", "routes": [{"path": "/<queue>"}]})
    web = fleet.start("web", WEB, params=params, outbox_pass="pass")
    passing = [fleet.start("pass", "tests.probes:Pass", n, outbox_execute="execute") for n in (1, 2)]
    working = [fleet.start("execute", "tests.actors.test_full_circle:Execute", n, outbox_web="web") for n in (1, 2)]
    for process in (web, *passing, *working):
        until(process.ready, "it is ready")
    answers, ended = Counter[tuple[bool, int, str]](), threading.Event()

    def client(fails: bool) -> None:
        with closing_connection(port) as connection:
            while not ended.is_set():
                order = {"n": 7, "takes_s": 0.02, **({"fail": "no tea"} if fails else {})}
                connection.request("POST", "/pass", json.dumps(order), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answers[fails, answer.status, answer.read().decode()] += 1

    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(client, bool(number % 2)) for number in range(16)]
        try:
            for victims in (passing, working, passing, working, passing):
                enough = answers.total() + 50
                until(partial(lambda enough: answers.total() > enough, enough), "orders are answered")
                victims[0].kill()
                victims.append(fleet.restart(victims.pop(0)))
                until(victims[-1].ready, "it is there again")
        finally:
            ended.set()
        for one in clients:
            one.result()
    assert answers.keys() == {(False, 200, '{"done":7}'), (True, 400, '{"errors":[{"message":"no tea"}]}')}, answers
