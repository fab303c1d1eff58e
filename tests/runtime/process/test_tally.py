"""The tally: the sum of what real instances say, and silence where one of them says nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorkit.process.tally import Tally
from actorkit.transport.addresses import resolve
from tests.fleet import Fleet, fetch
from tests.ports import free_port
from tests.until import until


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.close()


def test_the_tally_sums_up_all_instances_and_is_silent_where_one_does_not_answer(fleet: Fleet) -> None:
    down = f"tcp://127.0.0.1:{free_port()}#up"
    senders = [
        fleet.start(f"up{number}", "tests.probes:Source", outbox_down=down, params=f'{{"count": {number}}}')
        for number in (3, 4)
    ]
    until(lambda: all(sender.admin for sender in senders), "the admin servers are there")
    told = {sender.admin.removeprefix("http://"): ["down"] for sender in senders}
    nobody = {f"127.0.0.1:{free_port()}": ["down"]}
    params = {"of": {"down": told, "elsewhere": {**told, **nobody}, "nothing": {}}}
    tally = fleet.start("tally", "actorkit.process.tally:Tally", params=json.dumps(params))
    until(lambda: tally.admin, "the tally's admin server is there")
    until(lambda: fetch(f"{tally.admin}/scale") == (200, '{"down":7,"nothing":0}\n'), "what waits is summed up")
    senders[0].kill()
    until(lambda: fetch(f"{tally.admin}/scale") == (200, '{"nothing":0}\n'), "one of two does not tell")
    assert tally.stop() == 0


def test_the_instances_are_not_asked_again_within_a_second() -> None:
    asked, now = [], [0.0]

    def addresses(name: str) -> list[str]:
        asked.append(name)
        return []

    tally = Tally({"down": {"up:9600": ("down",)}}, clock=lambda: now[0], addresses=addresses)
    assert tally.waiting() == tally.waiting() == {"down": 0}
    assert asked == ["up:9600"]
    now[0] = 1.0
    assert tally.waiting() == {"down": 0}
    assert asked == ["up:9600"] * 2


def test_what_the_resolver_does_not_know_is_not_nothing() -> None:
    tally = Tally({"down": {"up:9600": ("down",)}}, addresses=lambda _name: None)
    assert tally.waiting() == {}
    assert repr(tally) == "<Tally of down: {}>"


def test_a_name_stands_for_its_addresses_of_one_family() -> None:
    assert resolve("localhost:9600") == ["127.0.0.1:9600"]
