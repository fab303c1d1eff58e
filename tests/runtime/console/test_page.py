"""The page of the console in a real browser, beside real actors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from actorkit.console.plan import Actor, GraphPlan, Line
from tests.browsing import Browser
from tests.runtime.console.setting import MARKUP, Graph, address, open_
from tests.until import until

pytestmark = pytest.mark.browser

#: Every text with the contrast that it has with what is behind it (WCAG 2.2, success criterion 1.4.3).
CONTRASTS = (Path(__file__).with_name("contrasts.js")).read_text()


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
