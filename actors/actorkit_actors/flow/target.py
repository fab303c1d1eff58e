"""Places in an event that can be changed: `attributes/customer/id`, `data/total`, `data`, `service`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from actorkit import Event
from actorkit.errors import MalformedEvent, SettingsError

#: What a path begins with; `service` is a text and has no more steps.
ROOTS: Final = ("attributes", "data", "service")


class Target:
    """A place that is written or deleted. Objects that are missing on the way are made; a list is entered by number."""

    def __init__(self, path: str) -> None:
        """Read the path.

        Raises:
            SettingsError: nothing can be changed there.
        """
        self.path = path
        self.root, *self._steps = path.split("/")
        if self.root not in ROOTS or "" in self._steps or (self.root == "service" and self._steps):
            raise SettingsError(f'"{path}" cannot be changed. Write attributes/NAME, data, data/NAME or service.')
        if self.root == "attributes" and not self._steps:
            raise SettingsError(f'"{path}" names no attribute. Write {path}/NAME.')

    @property
    def inside_data(self) -> bool:
        """Whether it is a part of the data, which then has to be JSON."""
        return self.root == "data" and bool(self._steps)

    def set(self, event: Event, value: Any) -> None:
        """Write a value there.

        Raises:
            MalformedEvent: on the way is something that has no parts, or no such item of a list.
        """
        if self.root == "service":
            if not isinstance(value, str):
                raise MalformedEvent("service: a text is wanted")
            event.service = value
        elif not self._steps:
            event.data = value
        else:
            if self.root == "data" and event.data is None:
                event.data = {}
            holder = self._enter(self._base(event), self._steps[:-1])
            holder[self._place(holder, self._steps[-1])] = value

    def delete(self, event: Event) -> None:
        """Take away what is there; nothing happens where nothing is."""
        if self.root == "service":
            event.service = ""
        elif not self._steps:
            event.data = None
        else:
            *way, last = self._steps
            holder = event.lookup([self.root, *way])
            if isinstance(holder, dict):
                holder.pop(last, None)
            elif isinstance(holder, list) and last.isdecimal() and int(last) < len(holder):
                del holder[int(last)]

    def _base(self, event: Event) -> Any:
        return event.attributes if self.root == "attributes" else event.data

    def _enter(self, value: Any, steps: Sequence[str]) -> Any:
        for step in steps:
            place = self._place(value, step)
            found = value.get(place) if isinstance(value, dict) else value[place]
            if found is None:
                found = value[place] = {}
            value = found
        return value

    def _place(self, holder: Any, step: str) -> Any:
        """The key or the index that a step means in what it is a step into."""
        if isinstance(holder, dict):
            return step
        if isinstance(holder, list) and step.isdecimal() and len(step) < 10 and int(step) < len(holder):
            return int(step)
        what = f"a list of {len(holder)}" if isinstance(holder, list) else "a value that has no parts"
        raise MalformedEvent(f'{self.path}: "{step}" leads into {what}')
