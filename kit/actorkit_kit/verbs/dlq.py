"""`kit dlq`: dead letters of a topology, wherever it runs."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from actorkit_kit.console import Output, note, result, result_json, result_table
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.errors import UsageError
from actorkit_kit.files import is_file
from actorkit_kit.remote import dead_letters
from actorkit_kit.remote.dead_letters import Choice, DeadLetterBox
from actorkit_kit.topology.load import DEFAULT_FILE
from actorkit_kit.verbs.options import ContextOption, DeploymentOption, NamespaceOption, OutputOption, WhereOption

#: Letters that `list` tells people at a time.
PAGE: Final = 100
#: Units of ages, in seconds.
_AGES: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Action(StrEnum):
    """What is done with dead letters."""

    LIST = "list"
    SHOW = "show"
    RETRY = "retry"
    DROP = "drop"


def _moment(text: str) -> float:
    """A time, or an age, as seconds since 1970."""
    age = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if age:
        return time.time() - float(age[1]) * _AGES[age[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(f'"{text}" is no time. Write 2026-11-28T20:00, or an age: 90s, 30m, 2h, 7d.') from exc
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_SINCE: Final = "Failed then or later: 2026-11-28T20:00 (UTC), or an age: 30m, 2h, 7d."


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def dlq(
        action: Annotated[Action, typer.Argument(help="What is done.")],
        actor: Annotated[str, typer.Argument(metavar="[ACTOR]", help="Whose; list takes all without.")] = "",
        ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which events, or all.")] = None,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        reason: Annotated[str, typer.Option("--reason", help="Only this kind of failure, as MalformedEvent.")] = "",
        trace: Annotated[str, typer.Option("--trace", help="Only what this event became.")] = "",
        key: Annotated[str, typer.Option("--key", help="Only the event of this key, as a sink has written it.")] = "",
        since: Annotated[str, typer.Option("--since", help=_SINCE)] = "",
        until: Annotated[str, typer.Option("--until", help="Failed before that, written likewise.")] = "",
        after: Annotated[str, typer.Option("--after", metavar="ID", help="Only what came after this one.")] = "",
        limit: Annotated[
            int | None, typer.Option("--limit", min=0, help="So many at most; 0: all. A list for people has 100.")
        ] = None,
        rate: Annotated[
            float, typer.Option("--rate", min=0.0, help="So many a second at most, for retry; 0: as fast as can be.")
        ] = 0.0,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """List, show, send again or drop events that failed where no error outbox takes them.

        An event that is sent again goes to the actor that failed on it, and leaves the box when it is finished; one
        that fails again comes back under another id. Filters choose among all, and among the events that are named.

        Examples: kit dlq list; kit dlq show place 4f1c7d2a90e3b655; kit dlq retry place all --reason Unavailable
        --rate 100
        """
        wanted = tuple(ids or ())
        if action is not Action.LIST and not (actor and wanted):
            raise UsageError(f"say whose and which: kit dlq {action} ACTOR ID..., or: kit dlq {action} ACTOR all")
        choice = Choice(
            actor=actor,
            ids=wanted,
            reason=reason,
            trace=trace,
            key=key,
            since=_moment(since) if since else None,
            until=_moment(until) if until else None,
            after=after,
            limit=limit or 0,
        )
        with find(Wanted(name, target, Cluster(context, namespace)), kept="letters") as deployment:
            if not name and not is_file(Path(DEFAULT_FILE)):
                other = "there is no topology.yaml here. Another one: -d topology.yaml"
                note(f'kit: of "{deployment.name}", the only deployment; {other}')
            box = deployment.dead_letters(alive=action is Action.RETRY)
            if action is Action.LIST:
                page = PAGE if limit is None and output is Output.TEXT else choice.limit
                _list(box, replace(choice, limit=page), output)
            elif action is Action.SHOW:
                _show(list(box.show(choice)), output)
            elif action is Action.RETRY:
                _tell("sent", box.retry(choice, rate), output)
            else:
                _tell("dropped", box.drop(choice), output)


def _tell(word: str, done: dead_letters.Done, output: Output) -> None:
    if done.without:
        note(f"kit: sent without {', '.join(done.without)}: dead letters keep no secrets")
    if output is Output.JSON:
        result_json({word: done.count, **({"without": list(done.without)} if done.without else {})})
    else:
        result(f"{word} {done.count}")


def _list(box: DeadLetterBox, choice: Choice, output: Output) -> None:
    # One more than is told says whether there are more.
    letters = box.list(replace(choice, limit=choice.limit + 1) if choice.limit else choice)
    more = bool(choice.limit) and len(letters) > choice.limit
    letters = letters[: choice.limit] if more else letters
    if output is Output.JSON:
        result_json(letters)
    elif letters:
        result_table(("ID", "TIME", "ACTOR", "INBOX", "CAME THROUGH", "REASON", "BYTES"), list(map(_row, letters)))
    else:
        result("there are no dead letters")
    if more:
        note(f"kit: there are more; go on with --after {letters[-1]['id']}")


def _row(letter: dict[str, Any]) -> list[str]:
    return [
        letter["id"],
        datetime.fromtimestamp(letter["time"], UTC).isoformat(" ", "seconds"),
        letter["actor"],
        letter["inbox"],
        " -> ".join(letter["trail"]),
        f"{letter['reason']}: {letter['message']}",
        str(letter["bytes"]),
    ]


def _show(letters: Sequence[dict[str, Any]], output: Output) -> None:
    if output is Output.JSON:
        result_json(letters)
        return
    for letter in letters:
        result(json.dumps(letter, indent=2, ensure_ascii=False))
