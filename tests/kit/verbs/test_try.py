"""`kit try`: one actor on standard input."""

from __future__ import annotations

import subprocess

import pytest

from actorkit_kit import python_process
from tests.places import ORDERS

ORDER = (ORDERS / "order.xml").read_text()


def kit_try(*arguments: str, data: str = "") -> subprocess.CompletedProcess[str]:
    command = [*python_process.command("actorkit_kit"), "try", *arguments]
    return subprocess.run(
        command,
        input=data,
        cwd=ORDERS,
        env=python_process.environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_stock_and_own_actors_stand_one_behind_the_other_in_a_pipe() -> None:
    booking = kit_try("xslt", "stylesheet=@submit.xsl", data=ORDER)
    assert booking.returncode == 0, booking.stderr
    assert booking.stdout == '<booking customer="ACME"><line>tea</line><total>12.50</total></booking>\n'
    assert booking.stderr == "kit: out: xml, 71 bytes\n"
    booked = kit_try("shop.actors:PlaceOrder", "currency=USD", "--build", "shop", data=booking.stdout)
    assert booked.returncode == 0, booked.stderr
    assert 'total="12.50" currency="USD"' in booked.stdout


def test_what_an_actor_refuses_is_told_with_its_status() -> None:
    done = kit_try("xml-to-dict", data='{"a":')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("kit: failed: ConversionError (400): the data is not XML")


def test_a_source_makes_as_many_events_as_are_asked_for() -> None:
    done = kit_try("generator", "interval_s=0.01", "data=hi", "-n", "3")
    assert (done.returncode, done.stdout) == (0, "hi\nhi\nhi\n")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["xlst"], 'Did you mean "xslt"?'),
        (["xslt"], "stylesheet: give a stylesheet, or sheets"),
        (["xslt", "stylesheet=@away.xsl"], "away.xsl"),
        (["xslt", "sheet=5"], 'there is no parameter "sheet"'),
        (["generator", "interval_s=fast"], "interval_s: expected `float`, got `str`"),
        (["http-server"], "does nothing without clients of its own"),
        (["pass-through", "--http", "POST"], "--http 'POST /orders'"),
        (["shop.actors:PlaceOrdr", "--build", "shop"], 'Did you mean "PlaceOrder"?'),
    ],
)
def test_what_cannot_be_tried_is_told(arguments: list[str], what: str) -> None:
    done = kit_try(*arguments, data=ORDER)
    assert (done.returncode, done.stdout) == (2, "")
    assert what in done.stderr
