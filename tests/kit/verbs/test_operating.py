"""`kit send`, `tap`, `trace` and `top`, on what `kit run` runs: real processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorkit_kit import python_process
from tests.kit.running import KitRun
from tests.until import until

CODE = '''\
from actorkit import Actor, Event, MalformedEvent


class Check(Actor):
    """Fails on "bad", and on "again" at the first attempt of each instance."""

    def setup(self) -> None:
        self.tried = False

    def consume(self, event: Event) -> Event:
        text = event.text()
        if text == "bad":
            raise MalformedEvent("this is bad")
        if text == "again" and not self.tried:
            self.tried = True
            raise OSError("not yet")
        return event.replace(data=text.upper())
'''

TOPOLOGY = """\
name: shop
actors:
  web: {uses: http-server, params: {routes: [{path: "/<queue>", methods: [POST]}]}}
  check: {uses: "shop.actors:Check", build: ./shop, replicas: 2, params: {retries: 2, backoff_s: 0.01}}
  note: {uses: stdout}
connections: [web -> check -> web, check -> note]
clear: true
"""


class Shop:
    """The topology while it runs, and `kit` in its folder."""

    def __init__(self, run: KitRun) -> None:
        self.run = run

    def kit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*python_process.command("actorkit_kit"), *arguments]
        environ = python_process.environ(extra={"NO_COLOR": "1"})
        return subprocess.run(command, cwd=self.run.folder, env=environ, capture_output=True, text=True, check=False)

    def json(self, *arguments: str) -> Any:
        done = self.kit(*arguments, "-o", "json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def send(self, text: str) -> Any:
        return self.json("send", "check.web", "--data", text, "--wait")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop" / "shop").mkdir(parents=True)
    (folder / "shop" / "shop" / "__init__.py").touch()
    (folder / "shop" / "shop" / "actors.py").write_text(CODE)
    (folder / "shop" / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    (folder / "topology.yaml").write_text(TOPOLOGY)
    with closing(KitRun(folder)) as run:
        run.table()
        yield Shop(run)


def test_what_is_sent_by_hand_comes_back_with_its_answer(shop: Shop) -> None:
    done = shop.kit("send", "check", "--data", "hello", "--wait")
    assert (done.returncode, done.stdout) == (0, "HELLO\n"), done.stderr
    assert " is finished after " in done.stderr


def test_a_file_is_sent_as_its_name_ends_and_attributes_and_header_fields_with_it(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "order.xml").write_text("<order/>")
    options = ("--set", "count=3", "--set", "kind=express", "--header", "Host: here", "--service", "orders")
    told = shop.json("send", "check", "-f", str(tmp_path / "order.xml"), *options, "--wait")
    (answer,) = told["answers"]
    assert (answer["attributes"], answer["service"]) == ({"count": 3, "kind": "express"}, "orders")
    assert (answer["http"]["headers"], answer["body"]) == ({"host": "here"}, {"text": "<ORDER/>"})


def test_a_failure_is_told_with_its_reason_and_a_status_of_its_own(shop: Shop) -> None:
    done = shop.kit("send", "check", "--data", "bad", "--wait")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("kit: check: MalformedEvent: this is bad (400)\nkit: event ")


def test_who_does_not_wait_is_told_the_trace(shop: Shop) -> None:
    told = shop.json("send", "check", "--data", "later")
    assert told["finished"] is False
    way = until(lambda: shop.kit("trace", told["trace"], "-o", "json").stdout, "it is on its way", pause_s=0.2)
    assert json.loads(way)["trace"] == told["trace"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("send", "chekc"), 'kit: "shop" has no actor "chekc" that runs. Did you mean "check"?\n'),
        (("send", "check.x"), 'kit: "check" has no box "x". It has inboxes web and outboxes note, web.\n'),
        (("send", "check", "--set", "x"), 'kit: --set "x": write it as NAME=VALUE.\n'),
        (("send", "check", "--data", "a", "-f", "b"), "kit: --data and --file are both given. Choose one.\n"),
        (("tap", "check", "--where", "//a["), 'says: where: xpath: "//a[" is no XPath: Invalid expression\n'),
        (("trace", "x"), 'kit: "x" is no trace: it has 16 hexadecimal digits, as 000000005d1c7f2a.\n'),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(shop: Shop, arguments: tuple[str, ...], wanted: str) -> None:
    done = shop.kit(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(wanted)
    assert done.stderr.count("\n") == 1


def test_the_way_of_an_event_is_put_together_from_all_instances(shop: Shop) -> None:
    hops = shop.json("trace", shop.send("hello")["trace"])["hops"]
    assert sorted(hop["actor"] for hop in hops) == ["check", "note"]
    first, second = hops
    assert (first["inbox"], first["attempts"], first["failure"]) == ("web", 1, "")
    assert second["sender"] == first["instance"]
    assert all(hop["seconds"] > 0 for hop in hops)


def test_attempts_and_failures_stand_in_the_way(shop: Shop) -> None:
    again = [shop.json("trace", shop.send("again")["trace"])["hops"][0]["attempts"] for _ in range(2)]
    assert max(again) == 2
    done = shop.kit("trace", shop.send("bad")["trace"])
    assert "MalformedEvent: this is bad" in done.stdout


def test_a_trace_that_nobody_remembers_is_told_with_what_is_remembered(shop: Shop) -> None:
    done = shop.kit("trace", "abcdef0123456789")
    assert (done.returncode, done.stdout) == (1, "")
    told = "no instance of shop remembers abcdef0123456789: each keeps its last failures, and no trace (set ACTORKIT"
    assert told in done.stderr


def test_a_tap_shows_what_passes_at_whichever_instance(shop: Shop) -> None:
    with ThreadPoolExecutor() as pool:
        taps = [
            pool.submit(shop.kit, "tap", "check.note", "-n", "2", "--where", "data~ME", "-o", "json", *more)
            for more in ((), ("--heads",))
        ]
        until(lambda: shop.run.said().count("a tap is open") >= 4, "two taps are open at each of two instances")
        for text in ("take me", "not this", "and me"):
            shop.send(text)
        shown, heads = ([json.loads(line) for line in tap.result().stdout.splitlines()] for tap in taps)
    assert [(one["outbox"], one["body"]["text"]) for one in shown] == [("note", "TAKE ME"), ("note", "AND ME")]
    assert [one["id"] for one in heads] == [one["id"] for one in shown]
    assert all("body" not in one for one in heads)


def test_a_tap_that_sees_nothing_says_so(shop: Shop) -> None:
    done = shop.kit("tap", "check", "--for", "0.5")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "kit: nothing passed check in 0.5 s\n")


def test_top_tells_rates_by_actor_and_edge(shop: Shop) -> None:
    told = shop.json("top", "--once")
    rows = {row["actor"]: row for row in told["actors"]}
    assert (rows["check"]["healthy"], rows["check"]["wanted"], told["silent"]) == (2, 2, [])
    edges = {(row["actor"], row["outbox"]): row for row in told["edges"]}
    assert (edges["web", "check"]["peers"], edges["check", "note"]["destinations"]) == (2, ["note"])
    done = shop.kit("top")
    assert [line.split()[0] for line in done.stdout.splitlines()[:4]] == ["ACTOR", "check", "note", "web"]
    assert "check -> note" in done.stdout
