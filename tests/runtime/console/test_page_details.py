"""What the page of the console shows of one actor, one line and one event, and what it does for whoever has a token."""

from __future__ import annotations

import json

import pytest

from actorkit.console.plan import Actor, GraphPlan, Line
from tests.browsing import Browser
from tests.fleet import Fleet, fetch
from tests.runtime.admin.fussy import COMPLAINT, Failing
from tests.runtime.console.setting import WAYS, Graph, address, open_
from tests.until import until

pytestmark = pytest.mark.browser


def box_of(failing: Failing) -> GraphPlan:
    admin = (address(failing.fussy),)
    actors = (Actor(name="fussy", uses="fussy", admin=admin, letters="fussy", at=(70, 50, 116, 66)),)
    return GraphPlan(topology="test", actors=actors, size=(140, 100))


@pytest.fixture
def failing(fleet: Fleet) -> Failing:
    return Failing(fleet)


def test_an_actor_that_fails_shows_its_failures_and_a_retry_empties_the_box(
    browser: Browser, graph: Graph, failing: Failing
) -> None:
    open_(browser, graph.console(box_of(failing)))
    browser.await_text('[data-actor="fussy"] .badge', "3 dead")
    assert browser.find('[data-actor="fussy"].letters')
    browser.run("go('actor', 'fussy')")
    browser.await_text("#panel", f"MalformedEvent: {COMPLAINT}")
    browser.await_text("#panel", "3 in the box")
    failing.broken.unlink()
    browser.click_text("#panel button", "retry")
    give_token(browser, failing.token)
    browser.await_text("#panel", "sent 3")
    browser.await_(lambda: "dead" not in browser.text('[data-actor="fussy"] .badge'), "the box is empty")
    assert browser.run("return document.title") == "test – actorkit"


def give_token(browser: Browser, token: str) -> None:
    browser.await_(lambda: browser.find("#token[open]"), "the token is asked for")
    assert "kit ui test --token " in browser.text("#token-why")
    browser.find("#token-input")[0].send_keys(token)
    browser.click_text("#token button", "Use it")


def test_bodies_are_shown_to_whoever_has_the_token(browser: Browser, graph: Graph, failing: Failing) -> None:
    open_(browser, f"{graph.console(box_of(failing))}/#/actor/fussy")
    browser.await_text("#panel", "3 in the box")
    assert "tick" not in browser.text("#panel")
    browser.click_text("#panel button", "show")
    give_token(browser, "wrong")
    browser.await_text("#token-why", "That is not its token.")
    give_token(browser, failing.token)
    browser.await_text("#panel .letter", '"text": "tick"')


def test_the_log_of_an_instance_is_shown_to_whoever_has_the_token(
    browser: Browser, graph: Graph, failing: Failing
) -> None:
    open_(browser, f"{graph.console(box_of(failing))}/#/actor/fussy")
    browser.click_text("#panel button", "log")
    give_token(browser, failing.token)
    browser.await_text("#panel .log", COMPLAINT)


def test_events_that_pass_are_shown_and_one_is_put_in(browser: Browser, graph: Graph, fleet: Fleet) -> None:
    token = fleet.folder / "token"
    made = fleet.start("sink", "actorkit_actors.flow.null:Null", admin_token=str(token), sample="1")
    params = '{"interval_s": 0.05, "data": "<i>tick</i>"}'
    source = fleet.start(
        "source",
        "actorkit_actors.flow.generator:Generator",
        outbox_sink="sink",
        params=params,
        admin_token=str(token),
    )
    until(lambda: made.ready() and source.ready(), "both are ready")
    plan = GraphPlan(
        topology="test",
        actors=(
            Actor(name="source", uses="generator", admin=(address(source),), at=(70, 50, 116, 66)),
            Actor(name="sink", uses="null", admin=(address(made),), at=(370, 50, 116, 66)),
        ),
        lines=(Line(source="source", destination="sink", outbox="sink", inbox="source", way=WAYS[0], at=(220, 30)),),
        size=(440, 100),
    )
    open_(browser, f"{graph.console(plan)}/#/line/0")
    browser.click_text("#panel button", "show the next 5")
    give_token(browser, token.read_text())
    browser.await_text("#panel pre", "<i>tick</i>")
    browser.run("go('actor', 'sink')")
    browser.await_text("#panel-title", "sink")
    browser.find("#panel summary")[0].click()
    browser.find("#panel textarea")[0].send_keys('{"n": 1}')
    browser.click_text("#panel button", "send")
    browser.await_text("#panel details pre", '"finished": true')


def test_the_way_of_an_event_is_shown(browser: Browser, graph: Graph, failing: Failing) -> None:
    url = graph.console(box_of(failing))
    trace = json.loads(fetch(f"http://{address(failing.fussy)}/recent")[1])["failures"][0]["trace"]
    open_(browser, url)
    browser.find("#trace")[0].send_keys(trace, "\n")
    browser.await_text("#panel-title", f"Event {trace}")
    browser.await_text("#panel tbody", f"MalformedEvent: {COMPLAINT}")
    assert browser.find('[data-actor="fussy"].passed')
    browser.open(f"{url}/#/event/0000000000000001")
    browser.await_text("#panel", "Nobody remembers it.")
