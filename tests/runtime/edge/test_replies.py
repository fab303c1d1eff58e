"""Answers go to the instance that asked: they wait for credit on its session, and for nothing where there is none."""

from __future__ import annotations

from actorkit.edge.ledger import Root
from actorkit.edge.replies import ReplyQueue
from actorkit.edge.send_session import Item
from actorkit.event.parcel import Parcel, Waiter


def answer(id_: int, instance: str = "", actor: str = "web") -> Item:
    reply_to = {actor: Waiter(instance, b"key")} if instance else None
    return Parcel(id_, 1, "n", b"", b"", reply_to), Root(lambda: None)


def ids(items: list[Item]) -> list[int]:
    return [parcel.id for parcel, _ in items]


def replies(*items: Item) -> ReplyQueue:
    made = ReplyQueue()
    assert made.sort_out(items, "web") == []
    return made


def test_only_answers_to_the_actor_at_the_other_end_are_sorted_out() -> None:
    made = ReplyQueue()
    others = made.sort_out([answer(1), answer(2, "web-1"), answer(3, "asker-1", actor="asker")], "web")
    assert (ids(others), len(made)) == ([1, 3], 1)


def test_answers_go_to_their_instances_in_order_as_far_as_there_is_room() -> None:
    made = replies(*(answer(number, f"web-{number % 2}") for number in range(8)))
    ready, astray = made.take({"web-0": 2, "web-1": 9})
    assert ({name: ids(items) for name, items in ready.items()}, astray) == (
        {"web-0": [0, 2], "web-1": [1, 3, 5, 7]},
        [],
    )
    ready, astray = made.take({"web-0": 9, "web-1": 9})
    assert ({name: ids(items) for name, items in ready.items()}, astray, len(made)) == ({"web-0": [4, 6]}, [], 0)


def test_an_answer_waits_for_room_as_long_as_its_instance_is_there() -> None:
    made = replies(answer(1, "web-1"))
    for _ in range(3):
        ready, astray = made.take({"web-1": 0})
        assert not any(ready.values())
        assert astray == []
    assert len(made) == 1


def test_an_answer_that_no_session_leads_home_does_not_wait() -> None:
    made = replies(answer(1, "web-1"), answer(2, "web-2"))
    ready, astray = made.take({"web-1": 0})
    assert (ready, ids([item for _, item in astray])) == ({"web-1": []}, [2])
    assert [waiter.instance for waiter, _ in astray] == ["web-2"]
    assert len(made) == 1
