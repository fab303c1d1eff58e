"""The examples run: the Director's programs as processes, the shop's own actor in a harness."""

from __future__ import annotations

import base64
import contextlib
import http.client
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from actorkit import Event
from actorkit.testing import Harness
from actorkit_actors.xml.xslt import XSLT
from tests.fleet import Process
from tests.places import ROOT
from tests.ports import free_port
from tests.until import until

EXAMPLES = ROOT / "examples"
ORDERS = EXAMPLES / "orders"
ORDER = "<order><customer>ACME</customer><item>tea</item><total>12.50</total></order>"
#: Longest wait for a program to do what it should, in seconds.
WAIT_S = 30.0

#: Runs a program of examples/ with its HTTP server, if any, on the port that is given.
RUN = """
import sys
sys.path.insert(0, {folder!r})
import {module} as program
web = program.director.get_actor("web")
if web is not None:
    web.params["port"] = {port}
program.director.start()
"""


@contextlib.contextmanager
def running(folder: Path, module: str, port: int = 0) -> Iterator[Process]:
    """The program as a process; it has to end by itself, and well, when it is told to."""
    script = RUN.format(folder=str(EXAMPLES), module=module, port=port)
    with Process({}, folder / "log", command=[sys.executable, "-c", script], out=folder / "out") as program:
        yield program
        assert program.stop(timeout_s=WAIT_S) == 0, program.said()


@pytest.fixture
def port() -> int:
    return free_port()


def post(port: int, path: str, body: str, **headers: str) -> tuple[int, str]:
    """(status, body); waits until the program listens."""

    def connected() -> http.client.HTTPConnection | None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        with contextlib.suppress(ConnectionRefusedError):
            connection.connect()
            return connection
        return None

    with contextlib.closing(until(connected, "the program listens", WAIT_S, pause_s=0.02)) as client:
        client.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = client.getresponse()
        return answer.status, answer.read().decode()


def credentials(password: str) -> str:
    return "Basic " + base64.b64encode(f"alice:{password}".encode()).decode()


def test_the_images_of_the_programs_own_classes_have_what_the_stock_actors_in_them_need() -> None:
    lines = (EXAMPLES / "requirements.txt").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [line for line in lines if not line.startswith("#")] == project["optional-dependencies"]["http"]


def test_the_generator_reaches_both_outputs(tmp_path: Path) -> None:
    with running(tmp_path, "fan_out") as program:
        lines = program.lines(2)
    assert sorted(line.partition("] ")[2] for line in lines) == ["I am number one: hello\n", "I am number two: hello\n"]


def test_an_order_goes_full_circle_in_one_process(tmp_path: Path, port: int) -> None:
    with running(tmp_path, "full_circle", port):
        xml = {"Content_Type": "application/xml", "Authorization": credentials("wonderland")}
        status, body = post(port, "/auth", ORDER, **xml)
        assert (status, body) == (
            200,
            '<ack><number>1</number><total currency="EUR">12.50</total><by>book</by></ack>',
        )
        assert post(port, "/auth", "<order/>", **xml) == (
            400,
            "<errors><error><message>the order names no &lt;customer&gt;</message></error></errors>",
        )
        status, body = post(port, "/auth", ORDER, Content_Type="application/xml", Authorization=credentials("wrong"))
        assert status == 401
        assert "ACME" not in body


def test_both_workers_answer_in_one_process(tmp_path: Path, port: int) -> None:
    with running(tmp_path, "majordomo", port):
        answers = {post(port, "/ask", "hello", Content_Type="text/plain") for _ in range(6)}
    assert answers == {(200, "HELLO! says shout-1"), (200, "HELLO! says shout-2")}


@pytest.fixture(scope="module")
def shop() -> ModuleType:
    """The shop's own module, as its image imports it."""
    path = ORDERS / "shop" / "shop" / "actors.py"
    spec = importlib.util.spec_from_file_location("shop_actors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["shop_actors"] = module
    spec.loader.exec_module(module)
    return module


def test_an_order_becomes_a_booking_an_answer_and_an_acknowledgement(shop: ModuleType) -> None:
    submit = Harness(XSLT, stylesheet={"file": str(ORDERS / "submit.xsl")})
    place: Harness[Any] = Harness(shop.PlaceOrder, name="execute", currency="EUR")
    ack = Harness(XSLT, stylesheet={"file": str(ORDERS / "ack.xsl")})
    order = Event(ORDER)
    submit.put(order)
    [booking] = submit.taken()
    assert booking.text() == '<booking customer="ACME"><line>tea</line><total>12.50</total></booking>'
    place.put(booking)
    place.put(booking)
    first, again = place.taken()
    assert first.text() == again.text(), "a repeat is booked under the same number"
    ack.put(first)
    number = f"A-{order.trace[-8:]}"
    assert ack.taken()[0].text() == (
        f'<ack><number>{number}</number><total currency="EUR">12.50</total><by>execute-test</by></ack>'
    )


@pytest.mark.parametrize(
    ("total", "status", "says"),
    [
        ("", 400, "the order has no &lt;total&gt;"),
        ("<total>much</total>", 400, 'the total "much" is no amount'),
        ("<total>10000.01</total>", 422, "not between 0 and 10000"),
        ("<total>-1</total>", 422, "not between"),
        ("<total>NaN</total>", 400, "no amount"),
    ],
)
def test_an_order_that_cannot_be_booked_says_why(shop: ModuleType, total: str, status: int, says: str) -> None:
    place: Harness[Any] = Harness(shop.PlaceOrder)
    place.put(Event(f'<booking customer="a"><line/>{total}</booking>'))
    [failed] = place.errors
    assert failed.failure is not None
    assert failed.failure.status == status
    assert says.replace("&lt;", "<").replace("&gt;", ">") in failed.failure.message


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("<order/>", "the order names no <customer>"),
        ("<order><customer>a</customer></order>", "the order has no <item>"),
        ("<invoice/>", "this is no <order> but a <invoice>"),
    ],
)
def test_what_is_no_order_is_told_what_is_missing(order: str, says: str) -> None:
    submit = Harness(XSLT, stylesheet={"file": str(ORDERS / "submit.xsl")})
    submit.put(Event(order))
    [failed] = submit.errors
    assert failed.failure is not None
    assert failed.failure.message == says
