"""The times that a cron expression names. The clock is an argument."""

from __future__ import annotations

import datetime
import zoneinfo

from cronsim import CronSim, CronSimError

from actorkit.errors import SettingsError


class CronTimes:
    """Times by a cron expression of five fields, or of six with seconds first, in a time zone.

    As in Debian's cron, a time of day that a clock change leaves out is right after the gap, one that comes twice is
    the first of the two; what comes every hour or oftener goes by time that passes. Six fields, which that cron does
    not know, always do.
    """

    def __init__(self, expression: str, zone: str) -> None:
        """Read the expression.

        Raises:
            SettingsError: it is none, or never comes, or there is no such zone.
        """
        self._expression = expression
        try:
            self._zone = zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise SettingsError(f'zone: "{zone}" is no time zone. Write UTC or Europe/Berlin.') from exc
        try:
            self.after(0.0)
        except (CronSimError, StopIteration) as exc:
            raise SettingsError(f'cron: "{expression}" names no time: {exc or "it never comes"}') from exc

    def after(self, time: float) -> float:
        """The next time after this one; both in seconds since 1970."""
        times = CronSim(self._expression, datetime.datetime.fromtimestamp(time, self._zone))
        while True:
            # In an hour that comes twice, the first that is found may be in the past.
            due = next(times).timestamp()
            if due > time:
                return due
