"""The alerting rules, judged by promtool: each fires when it should, and none when all is well."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from actorkit_kit.render import alerts, compose
from tests import needs
from tests.kit.render.goldens import orders
from tests.places import DOCS

INTERVAL_S: Final = 5


@dataclass(frozen=True)
class Case:
    """Series (in promtool's notation, a value each 5 s), and whether the alert fires at a time."""

    alert: str
    fires: bool
    at: str
    series: dict[str, str]


def mine(name: str, **labels: str) -> str:
    pairs = (f'{key}="{value}"' for key, value in {"topology": "orders", **labels}.items())
    return f"{name}{{{', '.join(pairs)}}}"


def up(actor: str, instance: str) -> str:
    return mine("up", actor=actor, instance=instance, job="actorkit")


READY: Final = mine("actorkit_ready", actor="auth")
PEERS: Final = mine("actorkit_peers", actor="web", outbox="auth", destination="auth")
STARTED: Final = mine("process_start_time_seconds", actor="execute", instance="a")
FAILED: Final = mine("actorkit_events_failed_total", actor="auth", inbox="web")
ARRIVED: Final = mine("actorkit_events_in_total", actor="auth", inbox="web")
DEAD: Final = mine("actorkit_events_dropped_total", actor="auth", reason="dead-letter")
HELD: Final = mine("actorkit_dead_letters_bytes", actor="dead-letters")
LIMIT: Final = mine("actorkit_dead_letters_limit_bytes", actor="dead-letters")
AGE: Final = mine("actorkit_dead_letters_oldest_seconds", actor="dead-letters")
KEPT: Final = mine("actorkit_dead_letters_limit_seconds", actor="dead-letters")
LOST: Final = mine("actorkit_events_dropped_total", actor="auth", reason="failed")
EXPIRED: Final = mine("actorkit_events_dropped_total", actor="auth", reason="expired")
WAITING: Final = mine("actorkit_waiting", actor="web", outbox="auth", destination="auth")
OTHERS: Final = mine("actorkit_waiting", actor="shop", outbox="auth", destination="auth")
AGED: Final = mine("actorkit_oldest_waiting_seconds", actor="web", outbox="auth", destination="auth")
UNFINISHED: Final = mine("actorkit_oldest_unfinished_seconds", actor="web")
LETTERS: Final = mine("actorkit_dead_letters", actor="dead-letters")
OLDEST: Final = mine("actorkit_oldest_consume_seconds", actor="execute")
STRANGERS: Final = mine("actorkit_frames_rejected_total", actor="auth", reason="no-key")
GAPS: Final = mine("actorkit_frames_rejected_total", actor="auth", reason="gap")
DEPTH: Final = mine("actorkit_broker_queue_depth", actor="broker", service="orders")
WORKERS: Final = mine("actorkit_broker_workers", actor="broker", service="orders")
WAITED: Final = mine("actorkit_broker_queue_oldest_seconds", actor="broker", service="orders")
ONE, TWO = up("broker", "one"), up("broker", "two")

CASES: Final = [
    # The topology has two brokers. One that stops leaves the DNS: its series ends, and is never 0.
    Case("ActorkitInstancesMissing", False, "3m", {ONE: "1x36", TWO: "1x36"}),
    Case("ActorkitInstancesMissing", True, "3m", {ONE: "1x36", TWO: "1x10 stale"}),
    Case("ActorkitInstancesMissing", True, "3m", {ONE: "1x10 stale", TWO: "1x10 stale"}),
    Case("ActorkitInstancesMissing", True, "3m", {ONE: "1x36", TWO: "1x10 0x26"}),
    Case("ActorkitInstancesMissing", False, "3m", {ONE: "1x36", TWO: "1x10 _x6 1x20", up("broker", "three"): "1x36"}),
    Case("ActorkitNotReady", False, "5m", {READY: "1x10 0x12 1x38"}),
    Case("ActorkitNotReady", True, "5m", {READY: "1x10 0x50"}),
    Case("ActorkitNoPeer", False, "5m", {PEERS: "1x10 0x6 2x44"}),
    Case("ActorkitNoPeer", True, "5m", {PEERS: "1x10 0x50"}),
    Case("ActorkitRestarts", False, "5m", {STARTED: "10x30 160x30"}),
    Case("ActorkitRestarts", True, "5m", {STARTED: "10x10 60x10 110x10 160x30"}),
    Case("ActorkitEventsFail", False, "12m", {FAILED: "0+1x144", ARRIVED: "0+100x144"}),
    Case("ActorkitEventsFail", True, "12m", {FAILED: "0+10x144", ARRIVED: "0+100x144"}),
    # A reason is there from its first event on.
    Case("ActorkitDeadLetters", True, "5m", {DEAD: "_x30 1x30"}),
    Case("ActorkitDeadLetters", False, "20m", {DEAD: "_x30 1x210"}),
    Case("ActorkitDeadLetters", True, "20m", {DEAD: "1x200 2x40"}),
    Case("ActorkitDeadLetters", False, "5m", {EXPIRED: "_x30 1x30"}),
    Case("ActorkitDeadLettersFull", True, "5m", {HELD: "70+1x60", LIMIT: "100x60"}),
    Case("ActorkitDeadLettersFull", False, "5m", {HELD: "79x60", LIMIT: "100x60"}),
    Case("ActorkitDeadLettersExpire", True, "5m", {AGE: "60+5x60", KEPT: "100x60"}),
    Case("ActorkitDeadLettersExpire", False, "5m", {AGE: "0+1x60", KEPT: "100x60"}),
    Case("ActorkitEventsLost", True, "5m", {LOST: "_x30 1x30"}),
    Case("ActorkitEventsLost", False, "5m", {EXPIRED: "_x30 5x30", DEAD: "_x30 1x30"}),
    Case("ActorkitWorkWaits", True, "25m", {WAITING: "0+50x300"}),
    Case("ActorkitWorkWaits", True, "25m", {WAITING: "700x300", OTHERS: "700x300"}),
    Case("ActorkitWorkWaits", False, "25m", {WAITING: "9000-20x300"}),
    Case("ActorkitWorkWaits", False, "25m", {WAITING: "0+1x300"}),
    Case("ActorkitWorkWaits", False, "16m", {WAITING: "5000x100 0x3 5000x200"}),  # it was through in between
    Case("ActorkitOldestWaits", True, "6m", {AGED: "0+5x72"}),
    Case("ActorkitOldestWaits", False, "6m", {AGED: "60x72"}),
    Case("ActorkitSourceStalls", True, "10m", {UNFINISHED: "0+5x120"}),
    Case("ActorkitSourceStalls", False, "10m", {UNFINISHED: "0+5x50 0+5x70"}),
    Case("ActorkitDeadLettersStay", True, "70m", {LETTERS: "2x840"}),
    Case("ActorkitDeadLettersStay", False, "70m", {LETTERS: "2x360 0x480"}),
    Case("ActorkitConsumeHangs", True, "5m", {OLDEST: "0+5x60"}),
    Case("ActorkitConsumeHangs", False, "5m", {OLDEST: "0+5x11 0+5x11 0+5x11 0+5x11 0+5x11"}),
    Case("ActorkitStrangers", True, "5m", {STRANGERS: "_x30 3x30"}),
    Case("ActorkitStrangers", False, "5m", {GAPS: "_x30 3x30"}),
    Case("ActorkitNoWorkers", True, "5m", {DEPTH: "4x60", WORKERS: "2x10 0x50"}),
    Case("ActorkitNoWorkers", True, "5m", {DEPTH: "4x60"}),
    Case("ActorkitNoWorkers", False, "5m", {DEPTH: "4x60", WORKERS: "2x60"}),
    Case("ActorkitNoWorkers", False, "5m", {DEPTH: "0x60", WORKERS: "0x60"}),
    Case("ActorkitRequestsWait", True, "5m", {WAITED: "0+5x60"}),
    Case("ActorkitRequestsWait", False, "5m", {WAITED: "20x60"}),
]


def the_rules() -> list[dict[str, Any]]:
    (group,) = alerts.rules(orders())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def names() -> list[str]:
    return sorted({rule["alert"] for rule in the_rules()})


def promtool(folder: Path, case: Case) -> str:
    """What promtool complains about a case; "" for nothing. The alert is looked for in the series that rules leave."""
    actor = ', actor="broker"' if case.alert == "ActorkitInstancesMissing" else ""
    firing = f'count(ALERTS{{alertname="{case.alert}", alertstate="firing"{actor}}})'
    samples = [{"labels": "{}", "value": 1}] if case.fires else []
    test = {
        "interval": f"{INTERVAL_S}s",
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "promql_expr_test": [{"expr": firing, "eval_time": case.at, "exp_samples": samples}],
    }
    (folder / "alerts.yml").write_text(str(compose.render(orders())["prometheus/alerts.yml"]))
    document = {"rule_files": ["alerts.yml"], "evaluation_interval": f"{INTERVAL_S}s", "tests": [test]}
    (folder / "test.yml").write_text(json.dumps(document))
    command = [needs.tool("promtool"), "test", "rules", "test.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}-{'fires' if case.fires else 'is-silent'}")
def test_an_alert_fires_when_it_should_and_only_then(case: Case, tmp_path: Path) -> None:
    assert promtool(tmp_path, case) == ""


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    assert sorted({case.alert for case in CASES if case.fires}) == names()
    assert sorted({case.alert for case in CASES if not case.fires}) == names()


def test_each_actor_and_server_is_counted_against_the_plan() -> None:
    counted = {rule["labels"]["actor"]: rule["expr"] for rule in the_rules() if "actor" in rule["labels"]}
    assert set(counted) == {unit.name for unit in orders().units}
    for unit in orders().units:
        assert counted[unit.name].endswith(f"< {unit.replicas}")


def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    pages = {rule["annotations"]["runbook_url"]: rule["alert"] for rule in the_rules()}
    for path, alert in pages.items():
        text = (DOCS.parent / path).read_text()
        assert text.startswith(f"# {alert}\n"), path
        for part in ("## What it means", "## What to look at", "## What to do"):
            assert part in text, path
    there = {f"docs/runbooks/{page.name}" for page in (DOCS / "runbooks").glob("*.md") if page.name != "README.md"}
    assert there == set(pages)


def test_the_list_of_runbooks_has_every_alert() -> None:
    text = (DOCS / "runbooks" / "README.md").read_text()
    for rule in the_rules():
        page = Path(rule["annotations"]["runbook_url"]).name
        assert f"[{rule['alert']}]({page}) | {rule['labels']['severity']} |" in text
