"""What is shown, out of what instances say."""

from __future__ import annotations

from actorkit.console.plan import Actor, GraphPlan, Line
from actorkit.console.view import Peers, Told, View

PLAN = GraphPlan(
    topology="shop",
    actors=(
        Actor(name="web", uses="http-server", replicas=2),
        Actor(name="auth", uses="basic-auth"),
        Actor(name="broker", uses="mdp-broker", kind="broker"),
    ),
    lines=(
        Line(source="web", destination="auth", outbox="auth", inbox="web"),
        Line(source="auth", destination="web", outbox="web", inbox="auth"),
        Line(source="web", destination="broker", service="orders", style="broker"),
    ),
)


def web(instance: str, sent: int, waiting: int, oldest_s: float) -> Told:
    peers = Peers(destination="auth", inbox="web", sent=sent, in_flight=2, waiting=waiting, oldest_waiting_s=oldest_s)
    other = Peers(destination="audit", inbox="web", sent=9999)
    return Told(instance=instance, in_work=1, failed={"web": sent // 10}, outboxes={"auth": (peers, other)})


def test_a_line_sums_up_what_all_instances_of_its_source_say() -> None:
    view = View(PLAN)
    view.state(0.0, {"web": {"a:1": web("web-1", 0, 0, 0.0), "b:1": web("web-2", 0, 0, 0.0)}}, {})
    state = view.state(2.0, {"web": {"a:1": web("web-1", 100, 5, 1.5), "b:1": web("web-2", 20, 7, 4.0)}}, {})
    assert state["lines"][0] == {"rate": 60.0, "waiting": 12, "in_flight": 4, "oldest_s": 4.0}
    assert state["actors"]["web"]["failing"] == 6.0
    assert state["actors"]["web"]["in_work"] == 2


def test_a_line_of_which_nobody_tells_has_no_numbers() -> None:
    assert View(PLAN).state(0.0, {"web": {"a:1": None}}, {})["lines"] == [None, None, None]


def test_a_line_to_a_broker_tells_what_waits_for_its_service() -> None:
    told = Told(instance="broker-1", scale={"orders": 12, "invoices": 3})
    assert View(PLAN).state(0.0, {"broker": {"c:1": told, "d:1": told}}, {})["lines"][2] == {"waiting": 24}


def test_an_instance_that_does_not_answer_is_gone_under_the_name_that_it_had() -> None:
    view = View(PLAN)
    view.state(0.0, {"web": {"a:1": web("web-1", 0, 0, 0.0)}}, {})
    found = view.state(1.0, {"web": {"a:1": None}}, {})["actors"]["web"]
    assert found["instances"][0] == {"name": "web-1", "address": "a:1", "state": "gone", "why": "does not answer"}
    assert found["ready"] == 0


def test_an_instance_that_no_address_is_known_of_is_gone() -> None:
    found = View(PLAN).state(0.0, {"web": {"a:1": web("web-1", 0, 0, 0.0)}}, {})["actors"]["web"]
    assert [one["state"] for one in found["instances"]] == ["ready", "gone"]


def test_an_instance_that_is_not_ready_says_why() -> None:
    told = Told(instance="auth-1", not_ready="outbox web has no peer")
    (row,) = View(PLAN).state(0.0, {"auth": {"a:1": told}}, {})["actors"]["auth"]["instances"]
    assert (row["state"], row["why"]) == ("not-ready", "outbox web has no peer")


def test_dead_letters_stand_at_the_actor_that_failed() -> None:
    actors = View(PLAN).state(0.0, {}, {"auth": 3})["actors"]
    assert [actors[name]["letters"] for name in ("web", "auth")] == [0, 3]
