"""Answers wait for the instance that asked: for credit on its session, and a while for a session at all."""

from __future__ import annotations

from actorkit.edge.ledger import Root
from actorkit.edge.replies import REPLY_GRACE_S, ReplyQueue
from actorkit.edge.send_session import Item
from actorkit.event.parcel import Parcel


def answer(id_: int, instance: str = "", actor: str = "web") -> Item:
    reply_to = {actor: (instance, b"key")} if instance else None
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
    ready, gone = made.take({"web-0": 2, "web-1": 9}, 0.0)
    assert ({name: ids(items) for name, items in ready.items()}, gone) == ({"web-0": [0, 2], "web-1": [1, 3, 5, 7]}, [])
    ready, gone = made.take({"web-0": 9, "web-1": 9}, 0.0)
    assert ({name: ids(items) for name, items in ready.items()}, gone, len(made)) == ({"web-0": [4, 6]}, [], 0)


def test_an_answer_waits_for_room_as_long_as_its_instance_is_there() -> None:
    made = replies(answer(1, "web-1"))
    for now in (0.0, 100.0, 200.0):
        ready, gone = made.take({"web-1": 0}, now)
        assert not any(ready.values())
        assert gone == []
    assert len(made) == 1


def test_an_answer_to_an_instance_that_is_gone_waits_a_while_from_when_that_is_seen() -> None:
    made = replies(answer(1, "web-1"), answer(2, "web-2"))
    assert made.take({"web-1": 0}, 100.0) == ({"web-1": []}, [])
    assert made.take({"web-1": 0}, 100.0 + REPLY_GRACE_S - 0.1)[1] == []
    assert ids(made.take({"web-1": 0}, 100.0 + REPLY_GRACE_S)[1]) == [2]
    assert made.take({}, 200.0) == ({}, [])
    assert ids(made.take({}, 200.0 + REPLY_GRACE_S)[1]) == [1]
    assert len(made) == 0


def test_an_instance_that_comes_back_in_time_gets_its_answer() -> None:
    made = replies(answer(1, "web-1"))
    made.take({}, 100.0)
    ready, gone = made.take({"web-1": 4}, 100.0 + REPLY_GRACE_S - 0.1)
    assert (ids(ready["web-1"]), gone) == ([1], [])
