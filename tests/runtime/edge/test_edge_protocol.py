"""The edge protocol as a whole holds its promises, whatever happens in whatever order (`machine.py`)."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from actorkit.event import Event
from actorkit.event.ids import new_id
from actorkit.event.parcel import Parcel
from tests.runtime.edge.machine import EdgeMachine, Entry


class SourceMachine(EdgeMachine):
    """As a source: one entry waits for all events, until another one waits for some as well."""

    def __init__(self) -> None:
        super().__init__()
        self.source = Entry()
        self.source.pending = 1
        self.count = 0
        self.sender.share_entry(self.source)

    @rule(count=st.integers(1, 4))
    def put(self, count: int) -> None:
        for _ in range(count):
            id_ = new_id()
            self.count += 1
            self.sender.put(Parcel(id_, id_, "n", b"", b""), self.source, Event())

    @rule(unlikely=st.integers(0, 5))
    def another_waits(self, unlikely: int) -> None:
        if not unlikely:
            super().put(1)

    @invariant()
    def the_source_waits_for_what_is_not_acknowledged(self) -> None:
        held = len(self.sender.pending) + len(self.sender.suspects)
        held += sum(session.unacked for session in self.sender.sessions.values())
        others = sum(not entry.released for entry in self.entries.values())
        assert self.source.pending - 1 == held - others
        finished = len(self.finished - self.entries.keys())
        assert self.count - (self.source.pending - 1) <= finished


class ScatteredMachine(EdgeMachine):
    """With so little patience for events that finish late that they are set stragglers all the time."""

    patience = 0

    @invariant()
    def little_is_kept_behind_an_event_that_finishes_late(self) -> None:
        for one in self.receivers.values():
            assert all(len(session.acked_above) <= 1 for session in one.sessions.values())
        for session in self.sender.sessions.values():
            assert "acked above=0" in repr(session)


STEPS = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestEdgeProtocol = EdgeMachine.TestCase
TestEdgeProtocol.settings = STEPS
TestScattered = ScatteredMachine.TestCase
TestScattered.settings = STEPS
TestSource = SourceMachine.TestCase
TestSource.settings = STEPS
