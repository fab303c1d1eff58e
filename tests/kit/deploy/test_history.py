"""The revisions of a deployment: what is kept, what changed, and what goes."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from actorkit_kit.deploy import history
from actorkit_kit.deploy.services import Service
from actorkit_kit.errors import UsageError

WEB = Service("web", "orders/web:aaa", "hash", 1, True, (), frozenset(), frozenset(), False, frozenset(), ())
FILES: dict[str, str | bytes] = {"compose.yaml": "name: orders\n", "secrets/key": b"one"}


def add(where: Path, *services: Service, files: dict[str, str | bytes] = FILES) -> frozenset[str]:
    _revision, unnamed = history.add(where, files, {service.name: service for service in services}, "d" * 64)
    return unnamed


def test_a_revision_says_what_is_other_than_in_the_one_before(tmp_path: Path) -> None:
    add(tmp_path, WEB, replace(WEB, name="auth"))
    add(tmp_path, replace(WEB, image="orders/web:bbb", replicas=3), replace(WEB, name="tap"))
    add(tmp_path, replace(WEB, image="orders/web:bbb", digest="other", replicas=3), replace(WEB, name="tap"))
    last = replace(WEB, image="orders/web:bbb", digest="other", replicas=3), replace(WEB, name="tap")
    add(tmp_path, *last, files={**FILES, "secrets/key": b"two"})
    add(tmp_path, *last, files={**FILES, "secrets/key": "two"})
    assert [revision.changes for revision in history.revisions(tmp_path)] == [
        ("the first one",),
        ("auth is gone", "tap is new", "web: orders/web:bbb", "web: 1 → 3 replicas"),
        ("web: other settings",),
        ("secret key changed",),
    ]
    assert history.files_of(tmp_path, 1)["secrets/key"] == b"one"
    assert history.files_of(tmp_path, 4)["secrets/key"] == b"two"


def test_ten_revisions_are_kept_and_an_image_that_none_names_is_told(tmp_path: Path) -> None:
    unnamed = [add(tmp_path, replace(WEB, image=f"orders/web:{number}")) for number in range(12)]
    assert [revision.number for revision in history.revisions(tmp_path)] == list(range(3, 13))
    assert unnamed == [frozenset()] * 10 + [frozenset({"orders/web:0"}), frozenset({"orders/web:1"})]
    assert len(list((tmp_path / "history").iterdir())) == history.KEPT


def test_an_image_that_a_later_revision_names_again_stays(tmp_path: Path) -> None:
    add(tmp_path, WEB)
    for number in range(9):
        add(tmp_path, replace(WEB, image=f"orders/web:{number}"))
    assert add(tmp_path, WEB) == frozenset()


def test_the_history_is_its_owners_alone(tmp_path: Path) -> None:
    add(tmp_path, WEB)
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o700


def test_a_revision_that_was_cut_off_is_none(tmp_path: Path) -> None:
    add(tmp_path, WEB)
    for number, facts in enumerate(("", "{}", "[]", '{"services": 3}', '{"services": {}, "changes": 1}'), start=2):
        place = tmp_path / "history" / f"{number:04d}"
        place.mkdir()
        (place / "revision.json").write_text(facts)
    assert [revision.number for revision in history.revisions(tmp_path)] == [1]
    add(tmp_path, replace(WEB, replicas=2))
    assert [revision.number for revision in history.revisions(tmp_path)] == [1, 2]


def test_without_a_number_the_last_but_one_is_meant(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no revision before"):
        history.find(tmp_path, None)
    for replicas in (1, 2, 3):
        add(tmp_path, replace(WEB, replicas=replicas))
    assert history.find(tmp_path, None).number == 2
    assert history.find(tmp_path, 1).number == 1
    with pytest.raises(UsageError, match=r"revision 7 is not kept\. There are: 1, 2, 3\."):
        history.find(tmp_path, 7)


def test_a_file_beside_the_actors_that_is_another_one_makes_a_revision(tmp_path: Path) -> None:
    rules = {**FILES, "prometheus/alerts.yml": "# digest a\nfor: 1m\n"}
    add(tmp_path, WEB, files=rules)
    add(tmp_path, WEB, files={**rules, "prometheus/alerts.yml": "# digest b\nfor: 1m\n"})
    assert len(history.revisions(tmp_path)) == 1
    add(tmp_path, WEB, files={**rules, "prometheus/alerts.yml": "# digest b\nfor: 2m\n"})
    assert history.revisions(tmp_path)[-1].changes == ("prometheus/alerts.yml changed",)
    assert history.files_of(tmp_path, 2)["prometheus/alerts.yml"] == b"# digest b\nfor: 2m\n"
