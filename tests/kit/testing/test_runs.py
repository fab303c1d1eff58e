"""Tests of a topology, run by pytest: at each depth, with stand-ins, and what is told where something does not hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from actorkit_kit import python_process
from tests.kit.conftest import Kit

#: Many processes, one after the other.
pytestmark = pytest.mark.timeout(300)

ACTORS = '''\
from actorkit import Actor, JSONEvent, MalformedEvent


class Price(Actor):
    """Prices what comes; what costs more than 10 is told apart."""

    OUTBOXES = ("dear",)

    def consume(self, event: JSONEvent) -> JSONEvent:
        if "cost" not in event.data:
            raise MalformedEvent("it has no cost")
        priced = event.replace({**event.data, "price": event.data["cost"] * 2})
        if event.data["cost"] > 10:
            self.send(priced, "dear")
        return priced


class Ask(Actor):
    """Asks what is behind it."""

    ANSWERS = True

    def consume(self, event: JSONEvent) -> JSONEvent:
        answer = self.request(event, "oracle", timeout_s=5)
        self.send(event.replace({"told": answer.data}), "out")
        return None
'''

TOPOLOGY = """\
name: prices
actors:
  goods: {uses: generator, params: {interval_s: 0.01, format: json, data: {cost: 1}}}
  price: {uses: "prices.actors:Price", build: ./code}
  split: {uses: splitter, params: {each: {jsonpath: "$.parts[*]"}}}
  part: {uses: jq, params: {program: ". + {seen: true}"}}
  whole: {uses: event-join, params: {key: {at: attributes/whole}, count_at: attributes/parts}}
  ask: {uses: "prices.actors:Ask", build: ./code}
  oracle: {uses: jq, params: {program: "{answer: .q}"}}
  call: {uses: mdp-client, params: {service: stock}}
  serve: {uses: mdp-worker, params: {service: stock}}
  stock: {uses: jq, params: {program: "{left: 3}"}}
  out: {uses: "null"}
  failures: {uses: "null"}
connections:
  - goods -> price -> out
  - price.dear -> out
  - price.error -> failures
  - goods -> split -> part -> whole -> out
  - goods -> ask
  - ask.oracle -> oracle -> ask
  - ask.out -> out
  - goods -> call -> out
  - serve -> stock -> serve
clear: true
tests:
  two are priced, and one of them is dear:
    put:
      - {to: price, data: {cost: 5}}
      - {to: price, data: {cost: 50}}
    expect:
      - {from: price.out, json: {$.price: 10}, count: 1}
      - {from: price.dear, data: {cost: 50, price: 100}, count: 1}
      - {from: price, count: 2}
      - {at: out, count: 3}
      - {from: price.error, nothing: true}
  what has no cost fails:
    put: {to: price, data: {}}
    expect:
      - {status: 400, message: no cost}
      - {at: failures, status: 400, count: 1}
      - {from: price, nothing: true}
  parts become a whole again:
    put: {to: split, data: {parts: [{n: 1}, {n: 2}]}}
    expect: {from: whole, data: [{n: 1, seen: true}, {n: 2, seen: true}]}
  who asks is answered:
    put: {to: ask, data: {q: 7}}
    expect: {from: ask.out, data: {told: {answer: 7}}}
  the oracle is another:
    put: {to: ask, data: {q: 7}}
    fake: {oracle: [{data: {answer: 42}}]}
    expect: {from: ask.out, data: {told: {answer: 42}}}
  answers come in turn:
    put: {to: price, data: {cost: 1}, times: 3}
    fake: {price: [{data: one}, {fails: 503, message: busy}, {data: last, outbox: dear, attributes: {a: 1}}]}
    expect:
      - {from: price.out, data: one, count: 1}
      - {from: price.error, status: 503, message: busy, count: 1}
      - {from: price.dear, data: last, attributes: {a: 1}, count: 1}
  it comes as from the source:
    put: {from: goods, data: {cost: 2, parts: [], q: 1}}
    services: {stock: {data: {left: 0}}}
    expect:
      - {from: price.out, json: {$.price: 4}, count: 1}
      - {at: price, count: 1}
  a service is another:
    put: {to: call, data: {}}
    services: {stock: {data: {left: 99}}}
    expect: {from: call, data: {left: 99}}
  a service is down:
    put: {to: call, data: {}}
    services: {stock: {fails: 503, message: closed}}
    expect: [{status: 503, message: closed}, {from: call, nothing: true}]
  the service itself answers:
    put: {to: call, data: {}}
    expect: {from: call, data: {left: 3}}
  the source runs where nothing is put:
    expect: {from: price, json: {$.price: 2}}
"""


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    package = tmp_path / "code" / "prices"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "actors.py").write_text(ACTORS)
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    return tmp_path


@pytest.fixture
def kit() -> Kit:
    """The command, with as much time as a test has."""

    def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*python_process.command("actorkit_kit"), *arguments],
            cwd=cwd,
            env=python_process.environ(extra={"COLUMNS": "100", "NO_COLOR": "1"}),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def outcomes(text: str) -> dict[str, str]:
    """Test → what became of it, of what `-v` writes."""
    return dict(re.findall(r"::(.+?) (PASSED|FAILED|SKIPPED|ERROR)", text))


@pytest.mark.parametrize("depth", ["actor", "graph"])
def test_the_same_tests_hold_at_each_depth(kit: Kit, prices: Path, depth: str) -> None:
    done = kit("test", ".", "-v", "--depth", depth, cwd=prices)
    found = outcomes(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(found.values()) <= {"PASSED", "SKIPPED"}
    skipped = {name for name, end in found.items() if end == "SKIPPED"}
    alone = {"the service itself answers", "the source runs where nothing is put"}
    assert skipped == (alone if depth == "actor" else set())
    assert len(found) == TOPOLOGY.count("    expect:")


def test_they_hold_while_what_is_on_the_way_is_killed(kit: Kit, prices: Path) -> None:
    done = kit("test", ".", "-v", "--depth", "chaos", "-k", "priced or whole", cwd=prices)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(outcomes(done.stdout).values()) == {"PASSED"}


def test_what_does_not_hold_is_told_with_its_line_and_what_came(kit: Kit, prices: Path) -> None:
    text = TOPOLOGY.replace(
        "{from: price.out, json: {$.price: 10}, count: 1}", "{from: price.out, json: {$.price: 11}}"
    )
    (prices / "topology.yaml").write_text(text)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "$.price: 11" in line)
    done = kit("test", "topology.yaml", "-k", "priced", "--junit", "results.xml", cwd=prices)
    assert done.returncode == 1
    assert f"topology.yaml:{line}:9: from price.out: 2 came, none as expected:\n  $.price is 10, not 11" in done.stdout
    assert '> {"cost":5,"price":10}' in done.stdout
    suite = ElementTree.parse(prices / "results.xml").getroot()
    assert [case.get("name") for case in suite.iter("testcase")] == ["two are priced, and one of them is dear"]
    assert len(list(suite.iter("failure"))) == 1


def test_golden_answers_are_written_and_compared(kit: Kit, prices: Path) -> None:
    (prices / "more_test.yaml").write_text(
        "tests:\n  it is priced:\n    put: {to: price, data: {cost: 3}}\n"
        "    expect: {from: price.out, file: golden/three.json}\n"
    )
    assert 'there is no file "' in kit("test", "more_test.yaml", "--depth", "actor", cwd=prices).stdout
    done = kit("test", "more_test.yaml", "--depth", "actor", "--update", cwd=prices)
    golden = prices / "golden" / "three.json"
    assert (done.returncode, f"wrote {golden}" in done.stdout) == (0, True)
    assert golden.read_text() == '{\n  "cost": 3,\n  "price": 6\n}\n'
    assert kit("test", "more_test.yaml", "--depth", "actor", cwd=prices).returncode == 0
    golden.write_text(golden.read_text().replace("6", "7"))
    done = kit("test", "more_test.yaml", "--depth", "actor", cwd=prices)
    assert '-   "price": 7' in done.stdout
    assert '+   "price": 6' in done.stdout


def test_pytest_by_itself_finds_them_too(prices: Path) -> None:
    (prices / "more_test.yaml").write_text(
        "tests:\n  it is priced:\n    put: {to: price, data: {cost: 3}}\n"
        "    expect: {from: price.dear, nothing: true}\n"
    )
    (prices / "other.yaml").write_text("tests: {this: is of somebody else}\n")
    (prices / "topology.yaml").write_text(TOPOLOGY.partition("  what has no cost fails")[0])
    command = [sys.executable, "-m", "pytest", "-v", "--kit-depth", "actor"]
    done = subprocess.run(
        command, cwd=prices, env=python_process.environ(), capture_output=True, text=True, check=False
    )
    assert outcomes(done.stdout) == {
        "it is priced": "PASSED",
        "two are priced, and one of them is dear": "PASSED",
    }, done.stdout + done.stderr


def test_a_mistake_in_a_test_is_told_before_anything_runs(kit: Kit, prices: Path) -> None:
    (prices / "topology.yaml").write_text(TOPOLOGY.replace("{to: ask, data: {q: 7}}", "{to: aks, data: {q: 7}}", 1))
    done = kit("test", cwd=prices)
    assert done.returncode == 2
    assert re.search(r'topology.yaml:\d+:15: tests.who asks is answered.put.to: no actor is named "aks"', done.stdout)
    assert kit("validate", cwd=prices).returncode == 2
    (prices / "topology.yaml").write_text(TOPOLOGY)
    assert kit("validate", cwd=prices).stdout.endswith(f", {TOPOLOGY.count('    expect:')} tests\n")
    (prices / "more_test.yaml").write_text("tests: {a: {expect: {from: pirce}}}\n")
    done = kit("validate", "more_test.yaml", cwd=prices)
    assert (done.returncode, done.stdout.partition(":")[2].partition(":")[0]) == (2, "1")
    assert 'no actor is named "pirce". Did you mean "price"?' in done.stdout
    (prices / "more_test.yaml").write_text("tests: {a: {expect: {from: price}}}\n")
    assert kit("validate", "more_test.yaml", cwd=prices).stdout == "more_test.yaml: no mistakes: 1 tests\n"
    (prices / "away_test.yaml").write_text("topology: away.yaml\ntests: {a: {expect: {from: price}}}\n")
    assert "there is no file" in kit("test", "away_test.yaml", cwd=prices).stdout


def test_an_actor_that_cannot_start_is_told_with_what_it_wrote(kit: Kit, prices: Path) -> None:
    code = prices / "code" / "prices" / "actors.py"
    code.write_text(
        ACTORS.replace("    ANSWERS = True", "    ANSWERS = True\n\n    def setup(self) -> None:\n        1 / 0")
    )
    done = kit("test", ".", "-k", "priced", cwd=prices)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout


def test_a_topology_without_tests_says_what_to_do(kit: Kit, prices: Path) -> None:
    (prices / "topology.yaml").write_text(TOPOLOGY.partition("tests:")[0])
    done = kit("test", cwd=prices)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no tests. Write them under tests:, or into a file *_test.yaml beside it." in done.stderr
