"""Two that want to change one deployment."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from actorkit_kit.deploy import lock
from actorkit_kit.errors import KitError
from tests.fleet import Process

HOLD = """\
import sys, time
from pathlib import Path
from actorkit_kit.deploy import lock
with lock.hold(Path(sys.argv[1]), "scale"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_who_is_at_it_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    where = tmp_path / ".kit" / "orders"
    command = [sys.executable, "-c", HOLD, str(where)]
    with Process({}, tmp_path / "log", command=command, out=tmp_path / "out") as other:
        assert other.lines(1) == ["held\n"]
        with pytest.raises(KitError) as caught, lock.hold(where, "deploy"):
            pass
        assert re.fullmatch(
            r'"orders" is being changed by kit scale \(process \d+, since [\d:]{8}\)\. Wait until it has ended, .*',
            str(caught.value),
        )
        with lock.hold(tmp_path / ".kit" / "other", "deploy"):
            pass
        other.signal(signal.SIGKILL)
        other.wait()
    with lock.hold(where, "down"):
        assert (where / lock.LOCK_FILE).read_text().startswith("kit down ")
    assert (where.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_rendered_gets_no_file_of_ours(tmp_path: Path) -> None:
    with lock.hold(tmp_path / "deploy", "scale"), lock.hold(tmp_path / "deploy", "scale"):
        pass
    assert list(tmp_path.iterdir()) == []
