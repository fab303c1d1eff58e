"""`kit dlq`: dead letters of a topology that runs on this machine, or is deployed on a Docker Engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from actorkit_kit.console import Output, note, result, result_json, result_table
from actorkit_kit.deploy import deployment
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import UsageError
from actorkit_kit.local.state import state_folder
from actorkit_kit.remote import dead_letters
from actorkit_kit.remote.dead_letters import DeadLetterBox
from actorkit_kit.verbs.options import OutputOption, RunningOption, Where, find_place


class Action(StrEnum):
    """What is done with dead letters."""

    LIST = "list"
    SHOW = "show"
    RETRY = "retry"
    DROP = "drop"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def dlq(
        action: Annotated[Action, typer.Argument(help="What is done.")],
        actor: Annotated[str, typer.Argument(metavar="[ACTOR]", help="Whose; list takes all without.")] = "",
        ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which events, or all.")] = None,
        name: RunningOption = "",
        target: Annotated[
            Where | None,
            typer.Option("--target", "-t", help="kit run or Docker; else kit run where it has run the topology."),
        ] = None,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """List, show, send again or drop events that failed where no error outbox takes them.

        An event that is sent again goes to the actor that failed on it, and leaves the box when it is finished; one
        that fails again comes back under another id.

        Examples: kit dlq list; kit dlq show place 4f1c7d2a90e3b655; kit dlq retry place all
        """
        wanted = ids or ()
        if action is not Action.LIST and not (actor and wanted):
            raise UsageError(f"say whose and which: kit dlq {action} ACTOR ID..., or: kit dlq {action} ACTOR all")
        with ExitStack() as stack:
            boxes = _boxes(stack, name, target, alive=action is Action.RETRY)
            found = dead_letters.list_letters(dead_letters.boxes_of(boxes, actor))
            if action is Action.LIST:
                _list([letter for _, letter in found if not wanted or letter["id"] in wanted], output)
                return
            chosen = dead_letters.choose_letters(found, actor, wanted)
            if action is Action.SHOW:
                _show([letter for box, some in chosen.items() for letter in box.show(some)], output)
                return
            done = [box.do(action, some) for box, some in chosen.items()]
            count, without = sum(one.count for one in done), sorted({name for one in done for name in one.without})
            word = {Action.RETRY: "sent", Action.DROP: "dropped"}[action]
        if without:
            note(f"kit: sent without {', '.join(without)}: dead letters keep no secrets")
        if output is Output.JSON:
            result_json({word: count, **({"without": without} if without else {})})
        else:
            result(f"{word} {count}")


def _boxes(stack: ExitStack, name: str, target: Where | None, *, alive: bool) -> list[DeadLetterBox]:
    """The boxes that are meant."""
    place = find_place(name)
    if place is None and target is Where.LOCAL:
        raise UsageError(f'"{name}" is no topology. Name its file: -d topology.yaml' if name else _NO_TOPOLOGY)
    if place is not None and (target is Where.LOCAL or (target is None and state_folder(*place).is_dir())):
        return dead_letters.local_boxes(*place, alive=alive)
    client = stack.enter_context(closing(connect()))
    return dead_letters.deployed_boxes(client, place[1] if place else name or deployment.find_only(client))


_NO_TOPOLOGY = "there is no topology.yaml here. Name one: -d topology.yaml"


def _list(letters: Sequence[dict[str, Any]], output: Output) -> None:
    if output is Output.JSON:
        result_json(letters)
        return
    if not letters:
        result("there are no dead letters")
        return
    rows = [
        [
            letter["id"],
            datetime.fromtimestamp(letter["time"], UTC).isoformat(" ", "seconds"),
            letter["actor"],
            letter["inbox"],
            " -> ".join(letter["trail"]),
            f"{letter['reason']}: {letter['message']}",
            str(letter["bytes"]),
        ]
        for letter in letters
    ]
    result_table(("ID", "TIME", "ACTOR", "INBOX", "CAME THROUGH", "REASON", "BYTES"), rows)


def _show(letters: Sequence[dict[str, Any]], output: Output) -> None:
    if output is Output.JSON:
        result_json(letters)
        return
    for letter in letters:
        result(json.dumps(letter, indent=2, ensure_ascii=False))
