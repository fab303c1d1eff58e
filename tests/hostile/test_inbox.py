"""Strangers at an inbox in the clear that send junk and read nothing."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from tests.fleet import Fleet, Process
from tests.hostile.report import LONG
from tests.hostile.site import Site
from tests.ports import free_port

#: Frames that are sent in all, as far as they are taken in that time, and from how many strangers.
FRAMES = 32_000_000 if LONG else 400_000
MOST_S = 120
STRANGERS = 2


def test_junk_at_an_inbox(fleet: Fleet) -> None:
    site = Site(fleet, free_port())
    inbox = site.echo.variables["ACTORKIT_INBOX"].removeprefix("ipc://")
    junk = [sys.executable, "-m", "tests.hostile.junk", inbox, str(FRAMES // STRANGERS), str(MOST_S)]
    logs = [fleet.folder / f"junk-{number}.log" for number in range(STRANGERS)]
    with ExitStack() as stack, site.honest(victim=site.echo):
        strangers = [stack.enter_context(Process({}, log, command=junk)) for log in logs]
        said = [stranger.lines(1, 180)[0] for stranger in strangers]
    assert sum(map(int, said)) >= 400_000
    assert site.echo.metric("actorkit_frames_rejected_total", reason="shut-out") > 0
