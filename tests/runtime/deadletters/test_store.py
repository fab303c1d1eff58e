"""The store of dead letters: found by what is known of them, bounded, and never lost."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actorkit import Event, Failure
from actorkit.deadletters.letter import Letter, letter_of
from actorkit.deadletters.query import Query
from actorkit.deadletters.store import FILE, ROW_BYTES, DeadLetterError, Store
from tests.fleet import Process


def letter(number: int, actor: str = "down", reason: str = "MalformedEvent", time: float | None = None) -> Letter:
    event = Event.received(Event({"n": number}).parcel())
    made = letter_of(event, Failure(reason, "no good"), actor=actor, instance=f"{actor}-1", inbox="up")
    return made if time is None else Letter({**made.record, "time": time}, made.body)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "box")) as made:
        yield made


def ids(store: Store, query: Query) -> list[str]:
    return [stored.letter.id for stored in store.find(query)]


def test_a_letter_that_is_stored_twice_is_one(store: Store) -> None:
    first, second = letter(1), letter(2)
    assert store.put([first, second]) == 2
    assert store.put([first]) == 1
    assert ids(store, Query()) == [first.id, second.id]
    assert store.totals().letters == 2


def test_letters_are_found_by_actor_reason_trace_and_time_and_in_pages(store: Store) -> None:
    letters = [
        letter(number, "place" if number % 2 else "execute", "NotFound" if number % 3 else "Timeout", 1000.0 + number)
        for number in range(1200)
    ]
    store.put(letters)
    assert ids(store, Query(actor="place")) == [one.id for one in letters[1::2]]
    assert ids(store, Query(reason="Timeout")) == [one.id for one in letters[::3]]
    assert ids(store, Query(trace=letters[7].trace)) == [letters[7].id]
    assert ids(store, Query(since=1010, until=1020)) == [one.id for one in letters[10:20]]
    assert ids(store, Query(ids=(letters[5].id, letters[3].id))) == [letters[3].id, letters[5].id]
    assert ids(store, Query(actor="place", reason="Timeout", since=1100, limit=2)) == [letters[105].id, letters[111].id]
    pages, after = [], ""
    while page := ids(store, Query(after=after, limit=100)):
        pages.append(page)
        after = page[-1]
    assert [id_ for page in pages for id_ in page] == [one.id for one in letters]


def test_a_page_begins_after_a_letter_that_was_taken_out_meanwhile(store: Store) -> None:
    letters = [letter(number) for number in range(4)]
    store.put(letters)
    store.remove(store.find(Query(ids=(letters[1].id,))))
    assert ids(store, Query(after=letters[1].id)) == [letters[2].id, letters[3].id]
    with pytest.raises(DeadLetterError, match='no letter "0123" is known'):
        ids(store, Query(after="0123"))


def test_a_letter_that_fails_again_counts_its_attempts(store: Store) -> None:
    first = letter(1)
    store.put([first])
    for attempts in (2, 3):
        (stored,) = store.find(Query(), bodies=True)
        parcel = stored.letter.parcel()
        assert store.remove([stored], again=True) == 1
        failed = Event.received(parcel)
        store.put([letter_of(failed, Failure("Again", "no"), actor="down", instance="down-1", inbox="up")])
        (again,) = store.find(Query())
        assert (again.attempts, again.letter.trace) == (attempts, first.trace)


def test_a_full_store_takes_what_fits_and_the_rest_once_there_is_room(tmp_path: Path) -> None:
    letters = [letter(number) for number in range(4)]
    size = max(len(one.text) + len(one.body) for one in letters) + ROW_BYTES
    with closing(Store(tmp_path, max_bytes=2 * size + 50)) as store:
        assert store.put(letters) == 2
        assert store.put(letters[2:]) == 0
        assert store.put(letters[:2]) == 2, "what is there already needs no room"
        assert store.totals().bytes <= 2 * size
        store.remove(store.find(Query(limit=1)))
        assert store.put(letters[2:]) == 1
        assert ids(store, Query()) == [letters[1].id, letters[2].id]


def test_what_is_too_old_is_taken_out(tmp_path: Path) -> None:
    with closing(Store(tmp_path, now=lambda: 10_000.0)) as store:
        store.put([letter(number, time=9_000.0 + 100 * number) for number in range(10)])
        assert store.remove_older(500) == 5
        assert store.totals().oldest == 9_500.0
        assert store.totals().letters == 5


def test_the_file_is_its_owners_alone(store: Store) -> None:
    store.put([letter(1)])
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in store.path.parent.iterdir()} == {0o600}


def test_what_is_no_store_is_told(store: Store) -> None:
    store.path.parent.mkdir()
    store.path.write_text("a text " * 1000)
    with pytest.raises(DeadLetterError, match=rf'dead letters in ".*{FILE}" cannot be written: file is not a database'):
        store.put([letter(1)])
    store.path.unlink()
    assert store.put([letter(1)]) == 1, "it is tried anew"


def test_a_file_that_was_removed_is_made_again(store: Store) -> None:
    store.put([letter(1)])
    for file in store.path.parent.iterdir():
        file.unlink()
    second = letter(2)
    store.put([second])
    assert ids(store, Query()) == [second.id]


WRITER = """
import sys
from pathlib import Path
from tests.runtime.deadletters.test_store import letter
from actorkit.deadletters.store import Store

store = Store(Path(sys.argv[1]))
for number in range(10**9):
    one = letter(number, actor=sys.argv[2])
    store.put([one])
    print(one.id, flush=True)
"""


def test_no_letter_is_lost_when_writers_of_one_store_are_killed(store: Store, tmp_path: Path) -> None:
    told = set[str]()
    for attempt in range(4):
        writers = [
            Process(
                {},
                tmp_path / f"{attempt}-{number}.log",
                command=(sys.executable, "-c", WRITER, str(store.path.parent), f"writer-{number}"),
                out=tmp_path / f"{attempt}-{number}",
            )
            for number in range(3)
        ]
        for writer in writers:
            writer.lines(20)
        for writer in writers:
            writer.kill()
        out = [(tmp_path / f"{attempt}-{number}").read_text() for number in range(3)]
        told |= {line.strip() for text in out for line in text.splitlines(keepends=True) if line.endswith("\n")}
    found = ids(store, Query())
    assert told <= set(found)
    assert len(found) == len(set(found)) == store.totals().letters
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
