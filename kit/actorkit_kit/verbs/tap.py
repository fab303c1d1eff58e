"""`kit tap`: what passes a box of an actor."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from actorkit_kit.console import Output, harmless, note, result, result_json
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.operating.boxes import find_box, look_around
from actorkit_kit.operating.tapping import Taps
from actorkit_kit.verbs.options import ContextOption, DeploymentOption, OutputOption, WhereOption


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def tap(
        box: Annotated[
            str, typer.Argument(metavar="ACTOR[.BOX]", help="An outbox or inbox; all that comes in without.")
        ],
        count: Annotated[int, typer.Option("-n", "--events", min=1, max=100_000, help="Events that are shown.")] = 10,
        where: Annotated[
            list[str] | None,
            typer.Option("--where", "-w", metavar="CONDITION", help="Only events for which it holds; all of several."),
        ] = None,
        heads: Annotated[bool, typer.Option("--heads", help="Without the bodies.")] = False,
        seconds: Annotated[
            float, typer.Option("--for", min=0.1, max=600.0, metavar="SECONDS", help="Longest time.")
        ] = 60.0,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: Annotated[  # -n is the number of events here
            str, typer.Option("--namespace", metavar="NAME", help="Namespace on Kubernetes; the context's own without.")
        ] = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Show events as they pass a box of an actor, at all of its instances.

        A condition is a place, alone or with what is to be found there: attributes/kind=express, data/total!=0,
        data~Berlin (holds), http/headers/host, //total=3 (an XPath), $.lines[0].count=3 (a JSONPath).

        Nothing is held up by it: an instance gives it a hundredth of its time, and what passes without a look is
        counted. With -o json each event is a line. The whole body is shown up to 64 KiB.

        Examples: kit tap place.to-ack -n 5; kit tap auth --where http/headers/host=shop --heads
        """
        query = {
            "events": str(count),
            "seconds": f"{seconds:g}",
            "bytes": str(64 << 20),
            "bodies": "0" if heads else "1",
            "where": "\n".join(where or ()),
        }
        with find(Wanted(name, target, Cluster(context, namespace))) as deployment:
            found = find_box(look_around(deployment), box, deployment.name)
            chosen = {key: value for key, value in (("inbox", found.inbox), ("outbox", found.outbox)) if value}
            taps = Taps(deployment, found, {**query, **chosen}, seconds)
            shown = 0
            for event in taps.events(count):
                shown += 1
                _write(event, output)
            if taps.unseen:
                note(f"kit: {taps.unseen} more passed without a look")
            if not shown:
                note(f"kit: nothing passed {box} in {seconds:g} s" + (" for which that holds" if where else ""))


def _write(event: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        result_json(event)
    else:
        result(harmless(_line(event)).replace("\n", "\\n"))
        body = event.get("body")
        if body:
            result(harmless(body["text"].rstrip("\n")) if "text" in body else f"{body['base64']} (base64)")
            if event.get("cut"):
                result(f"… {event['bytes']} bytes in all")
    sys.stdout.flush()


def _line(event: dict[str, Any]) -> str:
    """The head of an event as a person reads it."""
    moment = datetime.fromtimestamp(event["time"], UTC).strftime("%H:%M:%S.%f")[:-3]
    way = f"{event['from']} -> {event['inbox']}" if "inbox" in event else f"{event['outbox']} -> {event['destination']}"
    parts = [f"-- {moment}", event["instance"], way, f"trace={event['trace']}", f"id={event['id']}"]
    parts += [f"{event['bytes']} bytes"]
    if "service" in event:
        parts.append(f"service={event['service']}")
    if "http" in event:
        parts.append(f"{event['http']['method']} {event['http']['path']}")
    parts += [f"{key}={value!r}" for key, value in event.get("attributes", {}).items()]
    if "failure" in event:
        parts.append(f"{event['failure']['kind']}: {event['failure']['message']}")
    if event.get("redelivered"):
        parts.append("redelivered")
    return " ".join(parts)
