"""`kit dev`: what is saved is taken over, and nothing is lost meanwhile. SAVES=1000 saves more often."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import socket
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from actorkit_kit import python_process
from tests.fleet import Process
from tests.kit.conftest import Kit
from tests.kit.running import KitDev
from tests.kit.verbs.test_new import with_free_port
from tests.ports import free_port
from tests.until import until

#: How often a file is saved under load.
SAVES = int(os.environ.get("SAVES", "8"))
#: Clients that ask all the time, and their pause between two requests, in seconds: on a machine that has nothing left
#: the figure would be that of the machine.
CLIENTS, PAUSE_S = 3, 0.01


@pytest.fixture
def folder(kit: Kit, tmp_path: Path) -> Path:
    made = kit("new", "shop", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    with_free_port(tmp_path / "shop" / "topology.yaml")
    return tmp_path / "shop"


@pytest.fixture
def dev(folder: Path) -> Iterator[KitDev]:
    with closing(KitDev(folder)) as run:
        yield run


def ask(url: str, name: str, path: str = "greet") -> str:
    """What the actor says to a name."""
    request = urllib.request.Request(
        f"{url}/{path}", json.dumps({"name": name}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)["greeting"])


def said_is(url: str, wanted: str) -> bool:
    return ask(url, "me") == wanted


def save(path: Path, old: str, new: str) -> None:
    """Save a file as editors do: beside it first, so that nobody reads half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(re.sub(old, new, path.read_text()))
    beside.replace(path)


class Load:
    """Clients that ask again and again; `wrong` is what was not as it has to be."""

    def __init__(self, url: str) -> None:
        self.answered = 0
        self.wrong: list[str] = []
        self._url = url
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _go_on(self, client: int) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            name = f"{client}-{number}"
            try:
                said = ask(self._url, name)
            except OSError as exc:
                said = str(exc)
            if not said.endswith(f", {name}!"):
                self.wrong.append(said)
            self.answered += 1
            self._over.wait(PAUSE_S)


def test_no_event_is_lost_by_a_save_under_load(dev: KitDev, folder: Path) -> None:
    before = dev.table()
    url = before["web"]["urls"][0]
    code, waits = folder / "shop" / "greet.py", []
    with Load(url) as load:
        for number in range(SAVES):
            save(code, r'f".*?\{self.params', f'f"v{number} {{self.params')
            began = time.monotonic()
            wanted = f"v{number} Hello, me!"
            until(partial(said_is, url, wanted), f"save {number} is answered: {dev.said()}")
            waits.append(time.monotonic() - began)
    print(f"{SAVES} saves, {load.answered} answers, p50 {statistics.median(waits):.3f} s, worst {max(waits):.3f} s")
    assert load.wrong == []
    assert load.answered > SAVES
    assert dev.stop() == 0, dev.said()
    assert "web-1   | " in dev.said()
    assert "replaced web" not in dev.said()


def test_a_changed_topology_starts_what_is_new_drains_what_is_gone_and_leaves_the_rest(
    dev: KitDev, folder: Path, kit: Kit
) -> None:
    url = dev.table()["web"]["urls"][0]
    assert kit("new", "actor", "place", "--takes", "any", "--after", "greet", cwd=folder).returncode == 0
    until(lambda: "started place" in dev.said(), f"it starts: {dev.said()}")
    until(lambda: "replaced greet" in dev.said(), "greet sends elsewhere")
    assert ask(url, "Ada") == "Hello, Ada!"
    assert "place" in kit("status", ".", "--target", "local", cwd=folder).stdout
    save(folder / "topology.yaml", "greeting: Hello", "greeting: Moin")
    until(lambda: ask(url, "Ada") == "Moin, Ada!", "the parameter is another")
    save(folder / "topology.yaml", r"  place:\n.*\n.*\n", "")
    until(lambda: "no actor is named" in dev.said(), "the mistake is told")
    save(folder / "topology.yaml", r" -> place", "")
    until(lambda: "drains place" in dev.said(), "place drains")
    until(lambda: re.search(r"place-\d +\| .*draining", dev.said()), "it does")
    assert ask(url, "Ada") == "Moin, Ada!"
    assert dev.stop() == 0, dev.said()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("return event", "retrun event", r"shop/greet\.py:17:\d+: invalid syntax; what runs stays as it was"),
        ("^", "import nothing_like_it\n", r"shop/greet\.py:1: .*nothing_like_it.*; the old instance of greet stays"),
    ],
)
def test_with_a_mistake_in_a_file_the_old_instance_stays(
    old: str, new: str, told: str, dev: KitDev, folder: Path
) -> None:
    url = dev.table()["web"]["urls"][0]
    code = folder / "shop" / "greet.py"
    right = code.read_text()
    save(code, old, new)
    until(lambda: re.search(told, dev.said()), f"the mistake is told: {dev.said()}")
    assert ask(url, "Ada") == "Hello, Ada!"
    save(code, r"[\s\S]+", right.replace("}, {", "}; {").replace("\\", "\\\\"))
    until(lambda: ask(url, "Ada") == "Hello; Ada!", f"it is right again: {dev.said()}")
    assert dev.stop() == 0, dev.said()


class OnTerminal:
    """A `kit dev` on a terminal."""

    def __init__(self, folder: Path, file: Path) -> None:
        self._ours, self._theirs = pty.openpty()
        command = [*python_process.command("actorkit_kit"), "dev", str(folder)]
        self.process = Process(python_process.environ(), file, command=command, stdin=self._theirs)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def shows(self, what: str, times: int = 1) -> None:
        """It writes that, so many times."""
        until(lambda: self.process.said().count(what) >= times, f"{what}: {self.process.said()}", 60)

    def asks(self, prompt: str) -> str:
        """What is on the terminal, once it shows a prompt."""
        shown = ""
        while prompt not in shown:
            assert select.select([self._ours], [], [], 60)[0], shown
            shown += os.read(self._ours, 4096).decode()
        return shown

    def close(self) -> None:
        self.process.close()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def on_terminal(folder: Path, tmp_path: Path) -> Iterator[OnTerminal]:
    with closing(OnTerminal(folder, tmp_path / "said.txt")) as made:
        made.shows("keys: r replace all")
        yield made


def test_keys_replace_all_show_the_status_run_the_tests_and_quit(on_terminal: OnTerminal) -> None:
    on_terminal.press("r")
    on_terminal.shows("replaced greet, web")
    on_terminal.press("s")
    on_terminal.shows("ADMIN", 2)
    on_terminal.press("t")
    on_terminal.shows("2 passed")
    on_terminal.shows("kit: the tests hold")
    on_terminal.press("q")
    on_terminal.shows("nothing was left unfinished")
    assert on_terminal.process.wait() == 0


def test_a_breakpoint_gets_the_terminal_and_the_event_goes_on(on_terminal: OnTerminal, folder: Path) -> None:
    port = re.findall(r"expose: {http: (\d+)}", (folder / "topology.yaml").read_text())[0]
    save(folder / "shop" / "greet.py", "        if not event", "        breakpoint()\n        if not event")
    on_terminal.shows("replaced greet")
    answers, stopped = list[str](), threading.Event()

    def go_on() -> None:
        """The first ones may still come to the instance of before."""
        while not stopped.is_set():
            answers.append(ask(f"http://127.0.0.1:{port}", "Ada"))

    asking = threading.Thread(target=go_on)
    asking.start()
    assert "if not event.data" in on_terminal.asks("(Pdb) ")
    stopped.set()
    on_terminal.press("p event.data['name'] * 2\n")
    assert "'AdaAda'" in on_terminal.asks("(Pdb) ")
    on_terminal.press("q\n")
    asking.join(60)
    assert set(answers) == {"Hello, Ada!"}
    on_terminal.press("s")
    on_terminal.shows("ADMIN", 2)
    on_terminal.press("q")
    on_terminal.shows("nothing was left unfinished")


def test_a_debugger_can_be_asked_for(folder: Path) -> None:
    pytest.importorskip("debugpy")
    port = free_port()
    with closing(KitDev(folder, "--debug", "greet", "--debug-port", str(port))) as run:
        url = run.table()["web"]["urls"][0]
        assert f"a debugger is waited for at 127.0.0.1:{port}" in run.said()
        with socket.create_connection(("127.0.0.1", port), 20) as debugger:
            debugger.settimeout(20)
            assert debugger.recv(15) == b"Content-Length:"  # an event of the Debug Adapter Protocol
        save(folder / "shop" / "greet.py", "}, {", "}; {")
        until(lambda: ask(url, "Ada") == "Hello; Ada!", f"it is replaced: {run.said()}")
        assert run.stop() == 0, run.said()


def test_a_debugger_for_nobody_is_a_mistake(kit: Kit, folder: Path) -> None:
    done = kit("dev", "--debug", "gret", cwd=folder)
    assert (done.returncode, done.stderr) == (2, 'kit: --debug: no actor is named "gret". Did you mean "greet"?\n')
