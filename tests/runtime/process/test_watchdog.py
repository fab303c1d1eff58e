"""An instance that does not get on is told from a healthy one, and one whose loop stands still is ended."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

from tests.fleet import Fleet, Process, fetch
from tests.places import ROOT
from tests.runtime.process.test_poison import Line, only_the_bad_one_is_missing
from tests.until import until


def poisoned(fleet: Fleet, how: str, **params: object) -> Process:
    """An instance that is given one event, which is poison for it."""
    down = fleet.start("down", "tests.probes:Poisoned", params=json.dumps({"number": 0, "how": how, **params}))
    until(down.ready, "it is ready")
    fleet.start("up", "tests.probes:Source", outbox_down="down", params='{"count": 1}')
    return down


def test_an_event_that_blocks_its_process_is_given_up_and_the_others_arrive(fleet: Fleet, tmp_path: Path) -> None:
    line = Line(fleet, tmp_path, 500, 2, "loop", stuck_after_s=1, max_deliveries=2)
    seen, (letter,) = line.finish()
    only_the_bad_one_is_missing(seen, 500, 250)
    assert line.statuses == [86, 86]
    assert letter.failure.kind == "DeliveryLimit"


def test_a_process_that_is_stuck_says_where(fleet: Fleet) -> None:
    down = poisoned(fleet, "loop", stuck_after_s=0.5)
    assert down.wait(20) == 86
    log = down.log.read_text()
    assert "the loop has not turned for 0.5 s (stuck_after_s): consuming event " in log
    assert 'probes.py", line' in log


def test_c_code_that_keeps_the_interpreter_is_noticed_too(fleet: Fleet) -> None:
    down = poisoned(fleet, "sleep in C", stuck_after_s=0.5)
    assert down.wait(20) == 1
    assert "Timeout (0:00:02)!" in down.log.read_text()


def test_a_process_that_was_paused_is_not_taken_for_stuck(fleet: Fleet) -> None:
    down = fleet.start("down", "tests.probes:Pass", params='{"stuck_after_s": 1}')
    until(down.ready, "it is ready")
    down.signal(signal.SIGSTOP)
    time.sleep(2.5)  # what is tested is that this time does not count
    down.signal(signal.SIGCONT)
    until(down.ready, "it goes on")
    assert down.stop() == 0


def test_an_instance_that_waits_too_long_says_so_and_lives(fleet: Fleet) -> None:
    down = poisoned(fleet, "wait", stuck_after_s=0.5)
    until(lambda: not fetch(f"{down.admin}/readyz")[1].startswith("ready"), "it is not ready any more")
    status, reason = fetch(f"{down.admin}/readyz")
    assert status == 503
    assert reason.startswith("consuming event ")
    assert reason.rstrip().endswith(" s")
    assert fetch(f"{down.admin}/healthz")[0] == 200
    assert down.metric("actorkit_oldest_consume_seconds") > 0.5


def healthcheck(process: Process) -> tuple[int, str]:
    """The status of the script that an image has for it, and what it says."""
    environment = {"ACTORKIT_ADMIN": process.admin.removeprefix("http://")}
    script = ROOT / "kit" / "actorkit_kit" / "image" / "inside" / "ready"
    done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout.strip()


def test_the_health_check_of_an_image_says_why(fleet: Fleet) -> None:
    down = poisoned(fleet, "wait", stuck_after_s=0.5)
    assert healthcheck(down) == (0, "")
    until(lambda: healthcheck(down)[0] == 1, "it is not healthy any more")
    assert healthcheck(down)[1].startswith("consuming event ")
    down.signal(signal.SIGSTOP)
    assert healthcheck(down) == (1, "its loop hangs: the admin server does not answer")


def test_an_instance_of_which_one_worker_waits_gets_on(fleet: Fleet) -> None:
    down = poisoned(fleet, "wait", stuck_after_s=0.5, concurrency=2)
    until(lambda: down.metric("actorkit_oldest_consume_seconds") > 1, "it waits")
    assert down.ready()


def test_a_consume_that_takes_longer_than_its_time_fails(fleet: Fleet, tmp_path: Path) -> None:
    line = Line(fleet, tmp_path, 10, 1, "wait", consume_timeout_s=0.3)
    seen, (letter,) = line.finish()
    only_the_bad_one_is_missing(seen, 10, 5)
    assert (letter.failure.kind, letter.failure.status) == ("ConsumeTimeout", 504)
    assert letter.failure.message == "consume took longer than 0.3 s (consume_timeout_s)"
    assert not line.statuses
