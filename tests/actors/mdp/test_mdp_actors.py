"""mdp-client and mdp-worker around a real broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import gevent.event
import pytest

from actorkit import Event, Http, JSONEvent, MalformedEvent
from actorkit.errors import SettingsError
from actorkit.event.parcel import Waiter
from actorkit.mdp.broker.broker import Broker
from actorkit.mdp.client.client import Client
from actorkit.mdp.errors import ServiceFailed
from actorkit.testing import Answer, Harness
from actorkit_actors.mdp.mdp_client import MDPClient
from actorkit_actors.mdp.mdp_worker import MDPWorker
from tests.until import until


@pytest.fixture
def broker() -> Iterator[tuple[str, ...]]:
    """The endpoints of a broker that runs in a thread."""
    running = Broker("tcp://127.0.0.1:*")
    endpoint = running.bind()
    thread = threading.Thread(target=running.run)
    thread.start()
    yield (endpoint,)
    running.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def worker(brokers: tuple[str, ...], answer: Answer | None, **params: Any) -> Harness[MDPWorker]:
    return Harness(MDPWorker, name="worker", brokers=brokers, answer=answer, service="orders", timeout_s=5.0, **params)


def client(brokers: tuple[str, ...], **params: Any) -> Harness[MDPClient]:
    return Harness(MDPClient, name="place", brokers=brokers, **{"service": "orders", "timeout_s": 5.0, **params})


def book(event: Event, outbox: str | None) -> Event:
    assert event.data == {"total": 12}
    assert event.http is not None
    event.http.status = 201
    event.http.reply_headers.append(("Location", "/orders/7"))
    return event.replace({"number": 7}, booked=True)


def test_a_request_goes_through_the_broker_and_its_answer_goes_on(broker: tuple[str, ...]) -> None:
    order = JSONEvent({"total": 12}, attributes={"a": 1}, http=Http(method="PUT", user="ann"))
    with worker(broker, book) as orders, client(broker) as place:
        place.put(order)
        assert place.errors == []
        [answer] = place.taken()
        [asked] = orders.taken()
    assert (answer.data, answer.attributes) == ({"number": 7}, {"a": 1, "booked": True})
    assert answer.http is not None
    assert (answer.http.method, answer.http.status) == ("PUT", 201)
    assert answer.http.reply_headers == [("Location", "/orders/7")]
    assert (asked.trace, asked.service) == (order.trace, "orders")
    assert asked.http is not None
    assert asked.http.user == "ann"


def test_a_request_takes_no_longer_than_it_is_waited_for_at_either_side_of_the_broker(broker: tuple[str, ...]) -> None:
    told: list[float | None] = []

    def slow(event: Event, outbox: str | None) -> Event:
        told.append(event.deadline)
        gevent.event.Event().wait()
        return event

    asked, now_ms = Event("x"), int(time.monotonic() * 1000)
    asked.reply_to = {"web": Waiter("web-1", b"key", now_ms + 400)}
    with worker(broker, slow), client(broker) as place:
        begun = time.monotonic()
        place.put(asked)
        assert time.monotonic() - begun < 3
        [failed] = place.errors
    assert failed.failure is not None
    assert failed.failure.status == 504
    assert told[0] is not None
    assert 0 < told[0] <= 0.4


def test_xml_and_bytes_travel_as_they_are(broker: tuple[str, ...]) -> None:
    with worker(broker, lambda event, _: event), client(broker) as place:
        for data in ("<a/>", b"\x00", None):
            place.put(Event(data))
            assert place.taken()[0].data == data


def test_the_service_may_come_from_the_event(broker: tuple[str, ...]) -> None:
    with worker(broker, lambda event, _: event), client(broker, service="", prefix="or", postfix="s") as place:
        place.put(Event("x", service="der"))
        assert len(place.taken()) == 1
        place.put(Event("x"))
        assert "names no service" in str(place.errors[0].failure)


def test_a_failure_in_the_worker_fails_the_event_with_its_message_and_status(broker: tuple[str, ...]) -> None:
    def refuse(event: Event, outbox: str | None) -> Event:
        raise MalformedEvent("the order has no <total>")

    with worker(broker, refuse), client(broker) as place:
        place.put(Event("x"))
        [failed] = place.errors
    assert failed.failure is not None
    assert (failed.failure.status, failed.failure.message) == (400, "the order has no <total>")
    assert failed.data == "x"


def test_a_request_that_is_dealt_with_without_an_answer_ends_quietly(broker: tuple[str, ...]) -> None:
    with worker(broker, None), client(broker) as place:
        place.put(Event("x"))
        assert place.taken() == []
        assert place.errors == []


def test_a_service_without_worker_fails_with_504_once_timeout_s_is_over_retries_included(
    broker: tuple[str, ...],
) -> None:
    started = time.monotonic()
    with client(broker, timeout_s=0.6, retries=2, backoff_s=5.0) as place:
        place.put(Event("x"))
        [failed] = place.errors
    assert failed.failure is not None
    assert failed.failure.status == 504
    assert 0.5 < time.monotonic() - started < 1.1, "consume was not tried again on top"


def test_retries_are_for_requests_without_an_answer_and_a_failure_is_one(broker: tuple[str, ...]) -> None:
    asked: list[Event] = []

    def refuse(event: Event, outbox: str | None) -> Event:
        asked.append(event)
        raise MalformedEvent("no")

    with worker(broker, refuse), client(broker, retries=3, backoff_s=0.01) as place:
        place.put(Event("x"))
        assert len(place.errors) == 1
    assert len(asked) == 1


def test_a_worker_answers_clients_that_are_not_actorkits(broker: tuple[str, ...]) -> None:
    def shout(event: Event, outbox: str | None) -> Event:
        if event.data == "bad":
            raise MalformedEvent("no")
        return event.replace(event.data.upper())

    plain = Client(broker)
    try:
        with worker(broker, shout, request_format="text"):
            assert plain.call("orders", [b"hel", b"lo"], timeout_s=5) == [b"HELLO"]
            with pytest.raises(ServiceFailed, match="no") as caught:
                plain.call("orders", [b"bad"], timeout_s=5)
            assert caught.value.status == 400
    finally:
        plain.close()


def test_a_plain_client_sends_the_body_alone(broker: tuple[str, ...]) -> None:
    with worker(broker, lambda event, _: event) as orders, client(broker, plain=True, answer_format="json") as place:
        place.put(JSONEvent({"a": 1}))
        assert place.taken()[0].encoded() == ("j", b'{"a":1}')
        assert orders.taken()[0].encoded() == ("b", b'{"a":1}')


def test_a_worker_answers_for_several_services(broker: tuple[str, ...]) -> None:
    with (
        worker(broker, lambda event, _: event.replace(event.service), services=["returns"]),
        client(broker, service="returns") as returns,
        client(broker) as orders,
    ):
        for harness, name in ((returns, "returns"), (orders, "orders")):
            harness.put(Event("x"))
            assert harness.taken()[0].data == name


def test_a_worker_that_drains_takes_no_more(broker: tuple[str, ...]) -> None:
    with worker(broker, lambda event, _: event) as orders, client(broker, timeout_s=1.0) as place:
        place.put(Event("x"))
        assert len(place.taken()) == 1
        orders.drain()

        def is_refused() -> bool:
            place.put(Event("x"))
            return bool(place.errors)

        until(is_refused, "a request finds no worker")


@pytest.mark.parametrize("cls", [MDPClient, MDPWorker])
def test_without_a_broker_there_is_one_line_that_says_so(cls: type[MDPClient | MDPWorker]) -> None:
    with pytest.raises(SettingsError, match="there is no broker"):
        Harness(cls, service="orders")


def test_a_worker_without_a_service_is_refused() -> None:
    with pytest.raises(SettingsError, match="service"):
        Harness(MDPWorker, brokers=["tcp://127.0.0.1:1"])
