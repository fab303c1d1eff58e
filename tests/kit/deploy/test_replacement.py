"""What a change takes back when it is cut off: on a stand-in for the engine that fails where a real one seldom does."""

from __future__ import annotations

from typing import Any

import pytest
from docker.errors import APIError

from actorkit_kit.deploy.replacement import Replacement
from actorkit_kit.deploy.services import Service
from actorkit_kit.errors import KitError

WEB = Service("web", "orders/web:aaa", "hash", 1, True, (), frozenset(), frozenset(), False, frozenset(), ())


class Container:
    """A container that notes what is done to it."""

    def __init__(self, name: str, digest: str = "hash", *, broken: bool = False) -> None:
        self.id = self.name = name
        self.status = "running"
        self.labels = {
            "io.actorkit.actor": "web",
            "com.docker.compose.service": "web",
            "com.docker.compose.config-hash": digest,
        }
        self.attrs: dict[str, Any] = {"Image": "", "Config": {}, "NetworkSettings": {"Networks": {}}}
        self.broken = broken
        self.done: list[str] = []

    def start(self) -> None:
        self._do("start")

    def stop(self, timeout: float) -> None:
        assert timeout > 0
        self._do("stop")

    def remove(self, force: bool) -> None:
        assert force
        self.done.append("remove")

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.broken:
            raise APIError("500", explanation="the engine has a bad day")


class Engine:
    """An engine with these containers; its first lists fail as told."""

    def __init__(self, *there: Container, failures: tuple[BaseException, ...] = ()) -> None:
        self.there, self.failures = list(there), list(failures)
        self.containers = self

    def list(self, **_options: Any) -> list[Container]:
        if self.failures:
            raise self.failures.pop()
        return self.there


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), APIError("no"), TimeoutError()])
def test_a_change_that_is_cut_off_before_it_has_looked_around_ends_nothing(failure: BaseException) -> None:
    engine: Any = Engine(Container("one"), Container("two"), failures=(failure,))
    change = Replacement(engine, "orders", {"web": WEB}, lambda *_arguments: "")
    with pytest.raises(type(failure)):
        change.prepare()
    change.take_back()
    assert [container.done for container in engine.there] == [[], []]


def test_what_cannot_be_taken_back_keeps_nothing_else_from_it() -> None:
    dead, well = Container("dead", "old", broken=True), Container("well", "old")
    new = [Container("new-1", broken=True), Container("new-2")]
    engine: Any = Engine(dead, well)

    def compose(*_arguments: str) -> str:
        engine.there.extend(new)
        return ""

    change = Replacement(engine, "orders", {"web": WEB}, compose)
    change.prepare()
    with pytest.raises(KitError) as caught:
        change.take_back()
    assert str(caught.value).count("bad day") == 2
    assert well.done == dead.done == ["start"]
    assert [container.done for container in new] == [["stop", "remove"], ["stop", "remove"]]
