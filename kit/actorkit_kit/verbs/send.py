"""`kit send`: an event put into an inbox by hand."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from actorkit_kit.console import Output, note, result_json
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.deployment import Deployment
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.operating.acting import put
from actorkit_kit.operating.boxes import Instance, attend, find_box, look_around
from actorkit_kit.verbs.options import ContextOption, DeploymentOption, NamespaceOption, OutputOption, WhereOption

#: Exit statuses where the event failed, and where it is not finished in time.
EX_FAILED: Final = 4
EX_UNFINISHED: Final = 5


class Format(StrEnum):
    """What the data of the event is."""

    NOTHING = "nothing"
    BYTES = "bytes"
    TEXT = "text"
    JSON = "json"
    XML = "xml"
    FORM = "form"


#: What a file holds, by the end of its name.
_BY_NAME: Final = {".xml": Format.XML, ".json": Format.JSON, ".txt": Format.TEXT}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def send(
        box: Annotated[str, typer.Argument(metavar="ACTOR[.INBOX]", help="Where the event is put.")],
        data: Annotated[str | None, typer.Option("--data", metavar="TEXT", help="The body.")] = None,
        file: Annotated[
            str | None, typer.Option("--file", "-f", metavar="PATH", help="A file with the body; - is stdin.")
        ] = None,
        format_: Annotated[
            Format | None,
            typer.Option("--as", help="What the body is; else what the file's name ends with: .xml, .json, .txt."),
        ] = None,
        attributes: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="NAME=VALUE", help="An attribute; a value that is JSON is taken as that."),
        ] = None,
        headers: Annotated[
            list[str] | None,
            typer.Option("--header", "-H", metavar="NAME: VALUE", help="A header field, as of an HTTP request."),
        ] = None,
        service: Annotated[str, typer.Option("--service", metavar="NAME", help="The event's service.")] = "",
        wait: Annotated[
            bool, typer.Option("--wait", help="Wait until the event and all it became is finished.")
        ] = False,
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=0.1, max=600.0, metavar="SECONDS", help="Longest wait.")
        ] = 30.0,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Put an event into an inbox of an actor that runs, as if it had come over an edge.

        With --wait the command ends when the event is finished with all that it became. What would have gone back to
        whoever waits for it, to an http-server for example, is written to stdout instead, and failures are told. Where
        an actor has several inboxes, name one: place.to-order.

        The way of the event is recorded by every instance for a minute, so that kit trace shows it.

        Exit status 4 when it failed, 5 when it was not finished in time.

        Examples: kit send auth --file order.xml --wait; kit send to-order --data '<order/>' --as xml --set kind=express
        """
        body, chosen = _body(data, file), format_ or _format_of(file, data)
        described = _context(attributes or (), headers or (), service)
        with find(Wanted(name, target, Cluster(context, namespace))) as deployment:
            instances = look_around(deployment)
            found = find_box(instances, box, deployment.name)
            query = {
                "format": chosen.value,
                "seconds": f"{timeout_s:g}" if wait else "0",
                "answers": ",".join(sorted({one.actor for one in instances if one.answers})),
                "inbox": found.inbox or found.outbox,
                "context": described,
            }
            given = {key: value for key, value in query.items() if value}
            attend(deployment, instances)
            told = put(deployment, _ready(deployment, found.instances), body, given, timeout_s)
        _tell(told, output, wait=wait)
        if told["failures"]:
            raise typer.Exit(EX_FAILED)
        if wait and not told["finished"]:
            raise typer.Exit(EX_UNFINISHED)


def _body(data: str | None, file: str | None) -> bytes:
    if data is not None and file is not None:
        raise UsageError("--data and --file are both given. Choose one.")
    if data is not None:
        return data.encode()
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes() if file is not None else b""
    except OSError as exc:
        raise UsageError(f'the file "{file}" cannot be read: {exc.strerror}.') from exc


def _format_of(file: str | None, data: str | None) -> Format:
    if file is None and data is None:
        return Format.NOTHING
    return _BY_NAME.get(Path(file or "").suffix.lower(), Format.TEXT if file is None else Format.BYTES)


def _context(attributes: Sequence[str], headers: Sequence[str], service: str) -> str:
    """What is said of the event, as JSON; "" for nothing."""
    found: dict[str, Any] = {"service": service} if service else {}
    if attributes:
        found["attributes"] = dict(_pair(text, "=", "--set", "NAME=VALUE") for text in attributes)
        found["attributes"] = {key: _value(text) for key, text in found["attributes"].items()}
    if headers:
        found["http"] = {"headers": dict(_pair(text, ":", "--header", "NAME: VALUE") for text in headers)}
    return json.dumps(found) if found else ""


def _pair(text: str, sign: str, option: str, wanted: str) -> tuple[str, str]:
    key, found, value = text.partition(sign)
    if not found or not key.strip():
        raise UsageError(f'{option} "{text}": write it as {wanted}.')
    return key.strip(), value.strip()


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _ready(deployment: Deployment, instances: Sequence[Instance]) -> str:
    """The first instance that can take work.

    Raises:
        KitError: none can.
    """
    ready = [one.name for one in instances if not one.graph.get("not_ready")]
    if not ready:
        why = "; ".join(f"{one.name}: {one.graph['not_ready']}" for one in instances)
        raise KitError(f"no instance can take it: {why}. See: kit status {deployment.name}")
    return ready[0]


def _tell(told: dict[str, Any], output: Output, *, wait: bool) -> None:
    if output is Output.JSON:
        result_json(told)
        return
    for answer in told["answers"]:
        sys.stdout.buffer.write(_content(answer["body"]))
    sys.stdout.buffer.flush()
    for failure in told["failures"]:
        note(f"kit: {failure['actor']}: {failure['kind']}: {failure['message']} ({failure['status']})")
    end = (
        f"finished after {told['seconds']:.3f} s" if told["finished"] else "not finished yet" if wait else "on its way"
    )
    note(f"kit: event {told['trace']} is {end}; its way: kit trace {told['trace']}")


def _content(body: dict[str, str]) -> bytes:
    """The bytes of a body; text ends with a line end."""
    if "base64" in body:
        return base64.b64decode(body["base64"])
    text = body["text"]
    return (text if not text or text.endswith("\n") else f"{text}\n").encode()
