"""Strangers at an inbox in the clear that send junk and read nothing."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from actorkit.edge.admission import MAX_STRIKES
from tests.fleet import Fleet, Process
from tests.hostile.junk import BURST
from tests.hostile.report import LONG
from tests.hostile.site import Site
from tests.ports import free_port

#: Frames that are sent in all, as far as they are taken in that time, and from how many strangers.
FRAMES = 32_000_000 if LONG else 400_000
MOST_S = 120
STRANGERS = 2


def test_who_sends_junk_to_an_inbox_is_shut_out(fleet: Fleet) -> None:
    """Each connection is listened to until its eighth bad message; what comes after that, millions of frames, is thrown
    away unread. Not all of them are ever taken: the stranger's connections are slowed down, or end."""
    site = Site(fleet, free_port())
    inbox = site.echo.variables["ACTORKIT_INBOX"].removeprefix("ipc://")
    junk = [sys.executable, "-m", "tests.hostile.junk", inbox, str(FRAMES // STRANGERS), str(MOST_S)]
    logs = [fleet.folder / f"junk-{number}.log" for number in range(STRANGERS)]
    with ExitStack() as stack, site.honest(victim=site.echo):
        strangers = [stack.enter_context(Process({}, log, command=junk)) for log in logs]
        said = [stranger.lines(1, 180)[0] for stranger in strangers]
    frames, connections = (sum(map(int, numbers)) for numbers in zip(*(one.split() for one in said), strict=True))
    assert frames >= 400_000
    read, unread = (
        site.echo.metric("actorkit_frames_rejected_total", reason=reason) for reason in ("malformed", "shut-out")
    )
    assert 0 < read <= MAX_STRIKES * connections
    assert read + unread <= frames + BURST * connections, "a burst that was cut off is not counted as taken"
    assert unread > 100 * read, "shut out"
