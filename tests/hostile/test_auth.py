"""Strangers that log in with wrong passwords, without end."""

from __future__ import annotations

import threading
from collections import Counter

from tests.actors.auth.test_attack import USERS, login, started
from tests.fleet import Fleet
from tests.hostile.site import honest

#: How many strangers there are.
STRANGERS = 48


class Guessing:
    """Strangers, each with one wrong login after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._end = threading.Event()
        self.answers: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._run, args=[number]) for number in range(STRANGERS)]

    def _run(self, number: int) -> None:
        count = 0
        while not self._end.is_set():
            count += 1
            name = USERS[number % len(USERS)] if number % 2 else f"guess{number % 12}"
            self.answers[login(self._port, name, f"wrong{number}.{count}")[0]] += 1
            self._end.wait(0.05)

    def go_on(self, seconds: float) -> None:
        for thread in self._threads:
            thread.start()
        self._end.wait(seconds)
        self._end.set()
        for thread in self._threads:
            thread.join()


def test_wrong_logins_without_end(fleet: Fleet, seconds: float) -> None:
    # Behind one address here, all of them, as behind a proxy.
    port, auth = started(fleet, answer=False, failures_per_address=0)
    assert [login(port, name, name)[0] for name in USERS] == [200] * len(USERS)
    strangers = Guessing(port)
    with honest(port, "/auth", auth, logins=[f"{name}:{name}" for name in USERS]):
        strangers.go_on(seconds)
    assert set(strangers.answers) <= {401, 429}
    assert strangers.answers.total() > STRANGERS
