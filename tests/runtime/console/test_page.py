"""The page of the console in a real browser, beside real actors."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actorkit.console.plan import Actor, GraphPlan, Line
from tests.browsing import Browser
from tests.fleet import Fleet, Process, fetch
from tests.ports import free_port
from tests.runtime.admin.fussy import COMPLAINT, Failing
from tests.until import until

pytestmark = pytest.mark.browser

MARKUP = '<script>document.title = "owned"</script><img src=x onerror=alert(1)>'
WAYS = ("M130,50 L310,50", "M130,60 L310,170")
#: Every text with the contrast that it has with what is behind it (WCAG 2.2, success criterion 1.4.3).
CONTRASTS = (Path(__file__).with_name("contrasts.js")).read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with tempfile.TemporaryDirectory(prefix="ak-") as folder:
        fleet = Fleet(Path(folder))
        try:
            yield Graph(fleet)
        finally:
            fleet.close()


def address(process: Process) -> str:
    return process.admin.removeprefix("http://")


class Graph:
    """A source, two replicas that it sends to, and a console."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.sinks = [fleet.start("sink", "actorkit_actors.flow.null:Null", number) for number in (1, 2)]
        params = '{"interval_s": 0.004, "data": "tick"}'
        self.source = fleet.start(
            "source", "actorkit_actors.flow.generator:Generator", outbox_sink="sink", params=params
        )
        for process in (self.source, *self.sinks):
            until(process.ready, "it is ready")
        self.url = self.console(self.plan())

    def plan(self) -> GraphPlan:
        admins = {"source": (address(self.source),), "sink": tuple(map(address, self.sinks))}
        return GraphPlan(
            topology="counted",
            actors=(
                Actor(name="source", uses="generator", begins=True, admin=admins["source"], at=(70, 50, 116, 66)),
                Actor(name="sink", uses=MARKUP, replicas=2, admin=admins["sink"], at=(370, 50, 116, 66)),
                Actor(name="below", uses="nothing", at=(370, 180, 116, 66)),
            ),
            lines=(
                Line(source="source", destination="sink", outbox="sink", inbox="source", way=WAYS[0], at=(220, 30)),
                Line(source="source", destination="below", outbox="below", label=MARKUP, way=WAYS[1], at=(220, 130)),
            ),
            size=(440, 220),
        )

    def console(self, plan: GraphPlan) -> str:
        """The URL of a console of its own."""
        port, number = free_port(), len(self.fleet.processes)
        path = self.fleet.folder / f"plan-{number}.json"
        path.write_bytes(msgspec.json.encode(plan))
        params = json.dumps({"plan": str(path), "listen": f"127.0.0.1:{port}"})
        process = self.fleet.start("console", "actorkit.process.console:Console", number, params=params)
        until(process.ready, "the console is ready")
        return f"http://127.0.0.1:{port}"


def open_(browser: Browser, url: str) -> None:
    browser.resize(1300, 850)
    browser.open(url)
    browser.await_text("#link", "live")


def test_it_loads_with_the_network_cut_and_without_a_complaint(browser: Browser, graph: Graph) -> None:
    open_(browser, graph.url)
    asked = browser.asked()
    assert len(asked) >= 4
    assert [url for url in asked if not url.startswith(graph.url)] == []
    browser.await_text('[data-line="0"] .figures', "/s")
    assert browser.complaints() == []
    assert browser.run("return document.title") == "counted – actorkit"


def test_the_rate_of_a_line_is_what_its_source_counts(browser: Browser, graph: Graph) -> None:
    """To 5 %, over the same five seconds."""
    open_(browser, graph.url)
    seen: list[tuple[float, float]] = []

    def agrees() -> bool:
        shown = re.match(r"\d+", browser.text('[data-line="0"] .figures'))
        count, now = graph.source.metric("actorkit_events_out_total"), browser.run("return performance.now() / 1000")
        seen.append((now, count))
        before = next(((at, number) for at, number in seen if at >= now - 5.5), None)
        if shown is None or before is None or now - seen[0][0] < 6:
            return False
        counted = (count - before[1]) / (now - before[0])
        return bool(abs(int(shown[0]) - counted) <= counted * 0.05)

    browser.await_(agrees, "both count the same")


def test_an_instance_that_is_killed_turns_hollow(browser: Browser, graph: Graph) -> None:
    open_(browser, graph.url)
    browser.await_(lambda: len(browser.find('[data-actor="sink"] .dot.ready')) == 2, "two are there")
    victim = graph.sinks[1]
    victim.kill()
    browser.await_(lambda: len(browser.find('[data-actor="sink"] .dot.gone')) == 1, "one is hollow")
    assert browser.find('[data-actor="sink"].missing')
    graph.sinks[1] = graph.fleet.restart(victim)
    until(graph.sinks[1].ready, "it is there again")


def test_markup_in_data_stays_text(browser: Browser, graph: Graph) -> None:
    open_(browser, graph.url)
    assert MARKUP in browser.text('[data-actor="sink"] .uses')
    browser.find("#as-table")[0].click()
    assert MARKUP in browser.text("#tables")
    browser.open(f"{graph.url}/#/actor/sink")
    browser.await_text("#panel", MARKUP)
    browser.open(f"{graph.url}/#/line/1")
    browser.await_text("#panel-title", MARKUP)
    assert browser.run("return document.title") == "counted – actorkit"
    assert (len(browser.find("script")), len(browser.find("img"))) == (1, 0)
    with pytest.raises(Exception, match="TrustedHTML"):
        browser.run("document.body.innerHTML = '<b>x</b>'")


def test_each_number_names_its_question_to_prometheus_and_its_command(browser: Browser, graph: Graph) -> None:
    open_(browser, f"{graph.url}/#/line/0")
    rows = browser.await_(
        lambda: browser.run(
            "return [...document.querySelectorAll('#panel tbody tr')].map((row) => "
            "[row.querySelector('td').textContent, ...[...row.querySelectorAll('code')].map((one) => one.textContent)])"
        ),
        "the panel is open",
    )
    assert len(rows) == 4
    for value, query, command in rows:
        assert value
        assert query.startswith(("sum(", "max("))
        assert command.startswith("kit ")


def test_all_of_it_can_be_reached_by_keys(browser: Browser, graph: Graph) -> None:
    open_(browser, graph.url)
    focused = "return document.activeElement.dataset.actor || document.activeElement.id"
    browser.run("document.querySelector('#help-button').focus()")
    for _ in range(3):
        if browser.run(focused) != "source":
            browser.press("Tab")
    assert browser.run(focused) == "source"
    browser.press("ArrowRight")
    assert browser.run(focused) == "sink"
    browser.press("ArrowDown")
    assert browser.run(focused) == "below"
    browser.press("ArrowUp", "Enter")
    browser.await_text("#panel-title", "sink")
    browser.press("Escape")
    browser.await_(lambda: not browser.find("#panel:not([hidden])"), "the panel is closed")
    assert browser.run(focused) == "sink"
    browser.press("t")
    assert browser.find("#tables:not([hidden])")
    browser.press("g")
    assert browser.find("#picture:not([hidden])")
    browser.press("?")
    assert browser.find("#help[open]")
    browser.press("Escape")
    browser.await_(lambda: not browser.find("#help[open]"), "the help is closed")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "#/actor/sink", "#/line/0"])
def test_every_text_and_every_sign_can_be_told_from_what_is_behind_it(
    browser: Browser, graph: Graph, theme: str, place: str
) -> None:
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    open_(browser, f"{graph.url}/{place}")
    browser.await_text('[data-line="0"] .figures', "/s")
    assert browser.run("return document.documentElement.dataset.theme") == theme
    for view in ("as-table", "as-graph"):
        browser.find(f"#{view}")[0].click()
        found = browser.run(CONTRASTS)
        assert len(found) > 10
        assert [one for one in found if one["contrast"] < one["wanted"]] == []


def test_a_reader_of_the_screen_is_told_what_is_there(browser: Browser, graph: Graph) -> None:
    open_(browser, graph.url)
    browser.await_text("#sum", "ready")
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    buttons = [name for role, name in named if role == "button"]
    assert all(buttons)
    assert any(re.match(r"sink, .*: [12] of 2 ready", name, re.DOTALL) for name in buttons)
    assert ("group", "Graph of counted") in named
    assert any(role == "status" for role, _ in named)
    assert any(role == "heading" and name == "counted" for role, name in named)


def test_on_a_small_screen_nothing_is_cut_off(browser: Browser, graph: Graph) -> None:
    open_(browser, f"{graph.url}/#/actor/sink")
    browser.resize(375, 700)
    browser.await_text("#panel-title", "sink")
    assert browser.run("return document.scrollingElement.scrollWidth") <= 375
    top = browser.run("return document.querySelector('#panel').getBoundingClientRect().top")
    bottom = browser.run("return document.querySelector('#picture').getBoundingClientRect().bottom")
    assert bottom <= top + 1
    small = browser.run(
        "return [...document.querySelectorAll('button')].filter((one) => one.checkVisibility())"
        ".map((one) => one.getBoundingClientRect()).filter((box) => box.height < 24).length"
    )
    assert small == 0


def test_a_page_whose_console_is_gone_says_so_and_comes_back(browser: Browser, graph: Graph) -> None:
    url = graph.console(graph.plan())
    console = graph.fleet.processes[-1]
    open_(browser, url)
    console.kill()
    browser.await_text("#link", "does not answer")
    until(graph.fleet.restart(console).ready, "it is there again")
    browser.await_text("#link", "live")


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
    assert "kit ui test --token fussy-" in re.sub(r"--token \S+?-", "--token fussy-", browser.text("#token-why"))
    browser.find("#token-input")[0].send_keys(token)
    browser.click_text("#token button", "Use it")
    browser.await_(lambda: not browser.find("#token[open]"), "the token is taken")


def test_bodies_are_shown_to_whoever_has_the_token(browser: Browser, graph: Graph, failing: Failing) -> None:
    open_(browser, f"{graph.console(box_of(failing))}/#/actor/fussy")
    browser.await_text("#panel", "3 in the box")
    assert "tick" not in browser.text("#panel")
    browser.click_text("#panel button", "show")
    give_token(browser, "wrong")
    give_token(browser, failing.token)
    browser.await_text("#panel pre", '"text": "tick"')


def test_the_log_of_an_instance_is_shown_to_whoever_has_the_token(
    browser: Browser, graph: Graph, failing: Failing
) -> None:
    open_(browser, f"{graph.console(box_of(failing))}/#/actor/fussy")
    browser.click_text("#panel button", "log")
    give_token(browser, failing.token)
    browser.await_text("#panel .log", COMPLAINT)


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


def many(count: int, admin: str) -> GraphPlan:
    """A graph as large as that; all of its actors are one, as far as it can be told from outside."""
    actors = [
        Actor(name=f"actor-{n}", uses="generator", admin=(admin,), at=(70 + n % 20 * 200, 50 + n // 20 * 120, 116, 66))
        for n in range(count)
    ]
    lines = [
        Line(
            source=one.name, destination="sink", outbox="sink", inbox="source", way="M0,0 C50,0 50,90 100,90", at=(n, n)
        )
        for n, one in enumerate(actors * 2)
    ]
    return GraphPlan(topology="many", actors=tuple(actors), lines=tuple(lines), size=(4000, 1300))


def test_two_hundred_actors_stay_smooth(browser: Browser, graph: Graph) -> None:
    """What a second's numbers take to be painted leaves the page free for most of that second."""
    open_(browser, graph.console(many(200, address(graph.source))))
    browser.run(
        "window.took = []; const before = paint;"
        "paint = () => { const began = performance.now(); before(); took.push(performance.now() - began); }"
    )
    took: list[float] = browser.await_(
        lambda: found if len(found := browser.run("return took")) >= 5 else None, "painted"
    )
    assert sorted(took)[len(took) // 2] < 100
    state: Any = browser.run("return Object.keys(state.actors).length")
    assert state == 200
    browser.await_(lambda: len(browser.find(".actor .dot.ready")) == 200, "all of them are shown")
