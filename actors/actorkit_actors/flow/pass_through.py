"""Events as they came."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import RequestFailed


class PassThrough(Actor):
    """Sends each event on as it came, to all outboxes: a point where ways part or come together.

    With `fresh_ids` what goes on begins a trace of its own: other flows that look at the trace, as event-join does, do
    not find it. The trace from which it came stands in the attribute `came_from`. An event that comes again has the
    same new trace again, so that it is known; it is not finished before what goes on is, and who waits for an answer
    is answered.

    An event of an error path, which has a failure, goes on like others; with `raise_failures` it fails here with that.

    Failures:
        RequestFailed (as it was): the event has a failure, and `raise_failures` is set.
    """

    NAME: ClassVar[str] = "pass-through"
    EXTRA: ClassVar[str] = "xml"

    class Params(Actor.Params, frozen=True, kw_only=True):
        fresh_ids: Annotated[bool, Meta(description="whether what goes on begins a trace of its own")] = False
        raise_failures: Annotated[bool, Meta(description="whether an event that has a failure fails with it")] = False

    params: Params

    def consume(self, event: Event) -> Any:
        """Send it on.

        Raises:
            RequestFailed: it has failed before.
        """
        if self.params.raise_failures and event.failure is not None:
            raise RequestFailed(event.failure, event.failure.status, [])
        if not self.params.fresh_ids:
            return event
        self.hold(event).complete(event.replace(came_from=event.trace), anew=True)
        return None
