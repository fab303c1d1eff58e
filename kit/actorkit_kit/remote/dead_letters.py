"""Where the dead-letter boxes of a topology are, and how they are reached: in each of them a command is run.

The command is `python -m actorkit.deadletters.cli`, with the variables of the actor: those of a process of `kit run`,
or inside a container.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from docker import DockerClient

from actorkit.deadletters.box import SUFFIX
from actorkit_kit import python_process
from actorkit_kit.deploy import deployment
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.local.state import dead_letters_folder, running_processes
from actorkit_kit.output import last_line

MODULE: Final = "actorkit.deadletters.cli"
VARIABLE: Final = "ACTORKIT_DEAD_LETTERS"
#: Ids that one command gets.
MOST_IDS: Final = 1000


@dataclass(frozen=True)
class Done:
    """What came of sending or dropping events. `without` are header fields that were not kept, as they are secret."""

    count: int
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DeadLetterBox:
    """A dead-letter box as one instance of the actor reaches it. `where` is for messages; `call` runs the command with
    these arguments and gives its exit status, what it wrote to stdout, and to stderr."""

    actor: str
    where: str
    call: Callable[[Sequence[str]], tuple[int, str, str]]

    def run(self, *arguments: str) -> str:
        """What the command writes.

        Raises:
            KitError: it could not do it; the message is its own.
        """
        status, out, err = self.call(arguments)
        if status:
            raise KitError(f"{self.where}: {last_line(err or out).removeprefix('actorkit: ')}")
        return out

    def letters(self) -> list[dict[str, Any]]:
        """What is in the box, without the bodies."""
        return [json.loads(line) for line in self.run("list").splitlines()]

    def show(self, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Whole events."""
        decoder = json.JSONDecoder()
        for some in _portions(ids):
            text = self.run("show", *some).strip()
            while text:
                letter, end = decoder.raw_decode(text)
                yield letter
                text = text[end:].lstrip()

    def do(self, action: str, ids: Iterable[str]) -> Done:
        """`retry` or `drop` events; how many it were, and what the box had not kept of them."""
        found = [json.loads(self.run(action, *some)) for some in _portions(ids)]
        without = {name for one in found for name in one.get("without", ())}
        return Done(sum(one.get("sent", 0) + one.get("dropped", 0) for one in found), frozenset(without))


def _portions(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while some := list(islice(left, MOST_IDS)):
        yield some


def local_boxes(base: Path, topology: str, *, alive: bool) -> list[DeadLetterBox]:
    """The boxes of `kit run`; `alive`: they are needed from actors that run now, as a retry is.

    Raises:
        KitError: it has to be alive, and does not run.
    """
    folder = dead_letters_folder(base, topology)
    processes = running_processes(base, topology)
    if alive and not processes:
        raise KitError(f'"{topology}" does not run on this machine. Start it with kit run, then try again.')
    found: dict[str, DeadLetterBox] = {}
    for variables in processes:
        if variables.get(VARIABLE):
            found.setdefault(variables["ACTORKIT_ACTOR"], _local_box(variables))
    for actor in sorted({path.name.partition(".")[0] for path in folder.glob(f"*{SUFFIX}")}):
        variables = {
            "ACTORKIT_TOPOLOGY": topology,
            "ACTORKIT_ACTOR": actor,
            "ACTORKIT_CLASS": "actorkit.actor:Actor",
            VARIABLE: str(folder),
        }
        found.setdefault(actor, _local_box(variables))
    return list(found.values())


def _local_box(variables: Mapping[str, str]) -> DeadLetterBox:
    def call(arguments: Sequence[str]) -> tuple[int, str, str]:
        done = subprocess.run(
            [*python_process.command(MODULE), *arguments],
            env=python_process.environ(variables),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return DeadLetterBox(variables["ACTORKIT_ACTOR"], variables["ACTORKIT_ACTOR"], call)


def deployed_boxes(client: DockerClient, topology: str) -> list[DeadLetterBox]:
    """The boxes of a deployment: one for each container that runs and keeps one, whether they share a volume or not.

    Raises:
        UsageError: there is no such deployment.
    """
    deployment.find_replicas(client, topology)
    label = f"{deployment.TOPOLOGY_LABEL}={topology}"
    found = []
    for container in client.containers.list(filters={"label": label}, ignore_removed=True):
        actor = container.labels.get(deployment.ACTOR_LABEL)
        if actor and any(entry.startswith(f"{VARIABLE}=") for entry in container.attrs["Config"]["Env"] or ()):
            found.append(_container_box(actor, container))
    return sorted(found, key=lambda box: (box.actor, box.where))


def _container_box(actor: str, container: Any) -> DeadLetterBox:
    def call(arguments: Sequence[str]) -> tuple[int, str, str]:
        status, (out, err) = container.exec_run(["python", "-m", MODULE, *arguments], demux=True)
        return status, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")

    return DeadLetterBox(actor, f"{actor} ({container.name})", call)


def boxes_of(boxes: Sequence[DeadLetterBox], actor: str) -> list[DeadLetterBox]:
    """The boxes of one actor, or all of them without one.

    Raises:
        UsageError: there is no such actor, or it keeps no dead letters.
    """
    chosen = [box for box in boxes if not actor or box.actor == actor]
    if actor and not chosen:
        names = ", ".join(sorted({box.actor for box in boxes})) or "none"
        raise UsageError(f'"{actor}" has no dead letters here. Actors that can have some: {names}.')
    return chosen


def list_letters(boxes: Iterable[DeadLetterBox]) -> list[tuple[DeadLetterBox, dict[str, Any]]]:
    """Everything in the boxes, oldest first, with the box to reach it by; what several boxes share is told once."""
    found: dict[str, tuple[DeadLetterBox, dict[str, Any]]] = {}
    for box in boxes:
        for letter in box.letters():
            found.setdefault(letter["id"], (box, letter))
    return sorted(found.values(), key=lambda item: item[1]["time"])


def choose_letters(
    found: Sequence[tuple[DeadLetterBox, dict[str, Any]]], actor: str, ids: Sequence[str]
) -> dict[DeadLetterBox, list[str]]:
    """The letters with these ids (`all`: every one), by the box to reach them by.

    Raises:
        UsageError: one of them is not there.
    """
    there = {letter["id"]: box for box, letter in found}
    missing = [] if list(ids) == ["all"] else [id_ for id_ in ids if id_ not in there]
    if missing:
        raise UsageError(f'no event "{missing[0]}" of {actor} is in the box. See what is: kit dlq list {actor}')
    groups: dict[DeadLetterBox, list[str]] = {}
    for id_ in there if list(ids) == ["all"] else dict.fromkeys(ids):
        groups.setdefault(there[id_], []).append(id_)
    return groups
