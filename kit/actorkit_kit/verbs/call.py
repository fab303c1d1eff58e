"""`kit call`: one request to a service, from a shell."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from actorkit import Event
from actorkit.errors import ConversionError
from actorkit.event.body import BYTES, JSON, TEXT, XML
from actorkit.mdp.cli import CallResult, End
from actorkit_actors.mdp import envelope
from actorkit_kit.console import Output, note, result_json
from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.deployments.find import Wanted, find
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.verbs.options import (
    BrokerOption,
    ContextOption,
    DeploymentOption,
    ForeignOption,
    KeysOption,
    NamespaceOption,
    OutputOption,
    WhereOption,
    named_brokers,
)

#: Exit statuses of calls without an answer.
STATUSES: Final[dict[End, int]] = {"answered": 0, "failed": 4, "unanswered": 5, "untaken": 6}


class Format(StrEnum):
    """What the data of an event is."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "json"
    XML = "xml"


_LETTERS: Final = {Format.BYTES: BYTES, Format.TEXT: TEXT, Format.JSON: JSON, Format.XML: XML}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def call(
        service: Annotated[str, typer.Argument(metavar="SERVICE", help="The service that is asked.")],
        data: Annotated[
            list[str] | None,
            typer.Option("--data", metavar="TEXT", help="The body; given several times, a frame of it each."),
        ] = None,
        file: Annotated[
            str | None,
            typer.Option("--file", "-f", metavar="PATH", help="A file with the body, or its last frame; - is stdin."),
        ] = None,
        timeout_s: Annotated[
            float, typer.Option("--timeout", min=0.001, metavar="SECONDS", help="Longest wait for the answer.")
        ] = 10.0,
        broker: BrokerOption = None,
        keys: KeysOption = None,
        foreign: ForeignOption = False,
        name: DeploymentOption = "",
        target: WhereOption = None,
        namespace: NamespaceOption = "",
        context: ContextOption = "",
        format_: Annotated[
            Format | None,
            typer.Option("--as", help="Send an actorkit event with data of this format, not the plain body."),
        ] = None,
        raw: Annotated[bool, typer.Option("--raw", help="Write the bytes of the answer and nothing else.")] = False,
        output: OutputOption = Output.TEXT,
    ) -> None:
        """Send one request to a service and write the body of its answer to stdout.

        The body is sent as it is, which any worker understands; an mdp-worker answers in kind. With --as it is the data
        of an event, as an mdp-client sends it.

        An answer that is text ends with a line end: it gets one where it has none, as the shell expects. An answer that
        is not UTF-8 is written as it is. One of several frames is written with a line for each. With --raw the frames
        are written byte for byte, with nothing between or after them; -o json tells them apart.

        When nobody answers for the service yet, that is said at once, with the services that there are; the request
        waits for --timeout.

        Exit status 4 when the service answered with an error, 5 when no answer came in time, 6 when no broker or no
        worker took the request.

        Examples: kit call orders --file order.xml; kit call orders --data hello --broker tcp://127.0.0.1:5550
        """
        if not service or len(service.encode()) > 255:
            raise UsageError("a service's name has 1 to 255 bytes. Name the service: kit call orders")
        frames = _frames(data or (), file)
        if format_ is not None:
            frames = envelope.pack(Event.unread(_LETTERS[format_], b"".join(frames), service=service))
        if raw and output is Output.JSON:
            raise UsageError("--raw writes the bytes of the answer, -o json tells about it. Choose one.")
        with ExitStack() as stack:
            asked = named_brokers(broker or (), keys)
            if asked is None:
                asked = stack.enter_context(find(Wanted(name, target, Cluster(context, namespace)))).brokers()
            began = time.monotonic()
            answer = asked.call(service, frames, timeout_s, notes=not foreign)
        answer = _content_of(answer) if format_ is not None else answer
        _tell(answer, output, time.monotonic() - began, raw)
        raise typer.Exit(STATUSES[answer.end])


def _frames(data: Sequence[str], file: str | None) -> list[bytes]:
    frames = [text.encode() for text in data]
    if file is None:
        return frames or [b""]
    if file == "-":
        return [*frames, sys.stdin.buffer.read()]
    try:
        return [*frames, Path(file).read_bytes()]
    except OSError as exc:
        raise UsageError(f'the file "{file}" cannot be read: {exc.strerror}.') from exc


def _content_of(answer: CallResult) -> CallResult:
    """What is in the envelope of an answer: the data, or the failure of the event."""
    if answer.end != "answered":
        return answer
    try:
        failure = envelope.read_context(answer.body).failure
        body = [envelope.read_body(answer.body, "bytes")[1]]
    except ConversionError as exc:
        raise KitError(f"the answer cannot be read: {exc}") from exc
    if failure is not None and failure.status >= 400:
        return CallResult(end="failed", error=f"{failure.actor}: {failure.message}", status=failure.status)
    return CallResult(end="answered", body=body if failure is None else [])


def _tell(answer: CallResult, output: Output, seconds: float, raw: bool) -> None:
    if output is Output.JSON:
        told = {"end": answer.end, "status": answer.status, "error": answer.error, "seconds": round(seconds, 3)}
        result_json({**told, "body": [_text_of(frame) for frame in answer.body]})
    elif answer.end == "answered":
        sys.stdout.buffer.write(b"".join(answer.body) if raw else _lines_of(answer.body))
        sys.stdout.buffer.flush()
    if answer.end != "answered":
        note(f"kit: {answer.error} ({answer.status})")


def _lines_of(body: Sequence[bytes]) -> bytes:
    """The frames of an answer with a line for each, and a line end after the last one where all is text."""
    written = b"\n".join(body)
    try:
        written.decode()
    except UnicodeDecodeError:
        return written
    return written if not written or written.endswith(b"\n") else written + b"\n"


def _text_of(frame: bytes) -> Any:
    try:
        return frame.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(frame).decode()}
