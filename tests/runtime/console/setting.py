"""A graph of real actors, with a console beside it."""

from __future__ import annotations

import json
from typing import Final

import msgspec

from actorkit.console.plan import Actor, GraphPlan, Line
from tests.browsing import Browser
from tests.fleet import Fleet, Process
from tests.ports import free_port
from tests.until import until

#: What some data holds.
MARKUP: Final = '<script>document.title = "owned"</script><img src=x onerror=alert(1)>'
WAYS: Final = ("M130,50 L310,50", "M130,60 L310,170")


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
