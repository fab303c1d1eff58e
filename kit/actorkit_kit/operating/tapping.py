"""The taps of one box, at all of its instances at once."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.operating.acting import ask
from actorkit_kit.operating.boxes import Box, Instance

#: Looks at whether all taps have ended, in seconds.
_LOOK_S: Final = 0.5


@dataclass
class Taps:
    """Opens a tap at each instance, and gives what they show as it comes. `unseen` counts what passed without a look,
    of those taps that have ended."""

    deployment: Deployment
    box: Box
    query: Mapping[str, str]
    seconds: float
    unseen: int = 0
    _lines: queue.SimpleQueue[dict[str, Any] | KitError] = field(default_factory=queue.SimpleQueue)

    def events(self, most: int) -> Iterator[dict[str, Any]]:
        """So many events at most, each with the instance where it passed.

        Raises:
            UsageError: the instances do not understand what is wanted.
            KitError: none of them lets itself be tapped.
        """
        threads = [threading.Thread(target=self._read, args=(one,), daemon=True) for one in self.box.instances]
        for thread in threads:
            thread.start()
        shown, wrong = 0, list[KitError]()
        while shown < most:
            try:
                line = self._lines.get(timeout=_LOOK_S)
            except queue.Empty:
                if not any(thread.is_alive() for thread in threads) and self._lines.empty():
                    break
                continue
            if isinstance(line, KitError):
                wrong.append(line)
                if len(wrong) == len(threads):
                    raise wrong[0]
            elif "end" in line:
                self.unseen += line["unseen"]
            else:
                shown += 1
                yield line

    def _read(self, instance: Instance) -> None:
        """Read one tap to its end; ours ends with the process, and the instance closes it."""
        try:
            with ask(self.deployment, instance.name, "/tap", self.query, self.seconds) as answer:
                for line in answer:
                    read = json.loads(line)
                    self._lines.put(read if "end" in read else {"instance": instance.name, **read})
        except (KitError, UsageError) as exc:
            self._lines.put(exc)
        except ValueError as exc:
            self._lines.put(KitError(f'"{instance.name}" ends in the middle of a line: {exc}'))
