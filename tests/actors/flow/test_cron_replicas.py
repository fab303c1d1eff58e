"""Several replicas of a cron-generator: real processes around real brokers, of which one makes the events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from actorkit.errors import SettingsError
from actorkit.mdp.thread import BrokerThread
from actorkit.testing import Harness
from actorkit_actors.flow.cron_generator import CronGenerator
from tests.fleet import Fleet, Process
from tests.until import until

CRON, SHOW = "actorkit_actors.flow.cron_generator:CronGenerator", "actorkit_actors.flow.stdout:Stdout"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    yield made
    made.close()


@pytest.fixture
def brokers() -> Iterator[list[str]]:
    """The endpoints of two brokers that know nothing of each other."""
    threads = [BrokerThread(), BrokerThread()]
    yield [thread.start() for thread in threads]
    for thread in threads:
        thread.stop()


def start(fleet: Fleet, number: int, brokers: str, lease_s: float = 1.0) -> Process:
    """A replica that makes an event every second; `brokers` is where it asks whose turn it is."""
    params = json.dumps({"cron": "* * * * * *", "missed": "all", "lease_s": lease_s})
    return fleet.start("tick", CRON, number, params=params, outbox_show="show", brokers=brokers)


def show(fleet: Fleet) -> Process:
    """What is written of each event that comes: all of it."""
    return fleet.start("show", SHOW, params=json.dumps({"complete": True}))


def shown(process: Process) -> list[int]:
    """The times of the events that came, in seconds since 1970."""
    return [int(datetime.fromisoformat(due).timestamp()) for due in re.findall(r'"due":"([^"]+)"', process.said())]


def sent(process: Process) -> float:
    return process.metric("actorkit_events_out_total")


def follow_each_other(times: list[int]) -> bool:
    return times == list(range(times[0], times[0] + len(times)))


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_one_replica_makes_the_events_and_another_goes_on_when_it_is_gone(
    fleet: Fleet, brokers: list[str], how: str
) -> None:
    seen = show(fleet)
    replicas = [start(fleet, number, " ".join(brokers)) for number in (1, 2)]
    until(lambda: len(shown(seen)) >= 3, "one of them makes events", pause_s=0.05)
    [holder] = [replica for replica in replicas if sent(replica)]
    [other] = [replica for replica in replicas if replica is not holder]
    if how == "killed":
        holder.kill()
    else:
        assert holder.stop() == 0
    count = len(shown(seen))
    until(lambda: len(shown(seen)) >= count + 2, "the other one goes on", pause_s=0.05)
    assert sent(other)
    assert follow_each_other(shown(seen)), "none is left out, and none came twice"


def test_replicas_that_see_different_brokers_make_the_same_events_which_are_consumed_once(
    fleet: Fleet, brokers: list[str]
) -> None:
    seen = show(fleet)
    replicas = [start(fleet, number, broker) for number, broker in enumerate(brokers, 1)]
    until(lambda: all(sent(replica) >= 3 for replica in replicas), "both make events", pause_s=0.05)
    assert follow_each_other(sorted(shown(seen)))


def test_replicas_without_a_lease_make_the_same_events(fleet: Fleet, brokers: list[str]) -> None:
    seen = show(fleet)
    replicas = [start(fleet, number, brokers[0], lease_s=0) for number in (1, 2)]
    until(lambda: all(sent(replica) >= 3 for replica in replicas), "both make events", pause_s=0.05)
    assert follow_each_other(sorted(shown(seen)))


def test_a_lease_needs_a_broker() -> None:
    with pytest.raises(SettingsError, match="lease_s needs a broker"):
        Harness(CronGenerator, cron="* * * * *", lease_s=5)
