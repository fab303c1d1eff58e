"""`python -m actorkit_kit.tryout.process REQUEST`: gives one event to one actor, and writes what comes of it.

The bodies go to stdout, all else to stderr. The exit status is 1 where the event failed, and EX_CONFIG (78) where the
actor cannot be had.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import Any, Final

from gevent import monkey

from actorkit_kit.tryout.request import TryRequest

#: Exit status when the event failed.
EX_FAILED: Final = 1


def main(text: str) -> int:
    """Run the request; returns the exit status."""
    monkey.patch_all()
    import msgspec

    from actorkit.errors import EX_CONFIG, SettingsError
    from actorkit.process.actor import load

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    request = msgspec.json.decode(text, type=TryRequest)
    sys.path.append(request.folder)
    try:
        return _attempt(request, load(request.class_path))
    except SettingsError as exc:
        _tell(str(exc))
        return EX_CONFIG


def _attempt(request: TryRequest, cls: type[Any]) -> int:
    from actorkit import params as parameters
    from actorkit.errors import SettingsError
    from actorkit.testing import Harness

    params = parameters.build(cls.Params, request.params)
    if problems := list(cls.check(params)):
        raise SettingsError("; ".join(f"{problem.path}: {problem.message}".lstrip(": ") for problem in problems))
    outboxes = tuple(dict.fromkeys((*request.outboxes, *cls.named_outboxes(params).values())))
    name = cls.__name__.lower()
    with Harness(cls, name=name, outboxes=outboxes, brokers=request.brokers, **request.params) as harness:
        if cls.produces():
            harness.produce(request.count)
        else:
            harness.put(_event(request, sys.stdin.buffer.read()))
        if harness.held:
            harness.end_input()
        for outbox in outboxes:
            for event in harness.taken(outbox):
                _show(request, outbox, event)
        errors = harness.errors
        for raised, event in zip(harness.raised, errors, strict=True):
            _tell_failure(raised, event)
        if harness.held:
            _tell(f"it holds {len(harness.held)} events and waits for more")
    return EX_FAILED if errors else 0


def _event(request: TryRequest, content: bytes) -> Any:
    from actorkit import Event
    from actorkit.event import body
    from actorkit_kit.http_side import http_side

    http = http_side(*request.http) if request.http is not None else None
    event = Event.unread(request.format or _format(content), content, service=request.service, http=http)
    if event.encoded()[0] == body.NOTHING:
        event = Event(None, service=request.service, http=http)
    event.attributes.update(request.attributes)
    return event


def _format(content: bytes) -> str:
    from actorkit.event import body

    try:
        content.decode()
    except UnicodeDecodeError:
        return body.BYTES
    return body.TEXT if content else body.NOTHING


def _show(request: TryRequest, outbox: str, event: Any) -> None:
    """Write one event: its body on stdout, what else there is of it on stderr; or all of it as a line of JSON."""
    if request.shown and outbox not in request.shown:
        return
    format_, content = event.encoded()
    if request.as_json:
        sys.stdout.write(json.dumps({"outbox": outbox, **_description(event)}, sort_keys=True) + "\n")
        return
    _tell(f"{outbox}: {_NAMES[format_]}, {len(content)} bytes{_beside(event)}")
    sys.stderr.flush()
    ended = content if not content or content.endswith(b"\n") or format_ == "b" else content + b"\n"
    sys.stdout.buffer.write(ended)
    sys.stdout.flush()


#: The letter of a format → its name.
_NAMES: Final = {"n": "nothing", "b": "bytes", "t": "text", "j": "json", "x": "xml", "f": "form"}


def _description(event: Any) -> dict[str, Any]:
    import base64

    import msgspec

    format_, content = event.encoded()
    if format_ == "j":
        data = json.loads(content)
    else:
        data = base64.b64encode(content).decode() if format_ == "b" else content.decode()
    http = msgspec.structs.asdict(event.http) if event.http is not None else None
    return {
        "format": _NAMES[format_],
        "data": data,
        "attributes": msgspec.to_builtins(event.attributes),
        "service": event.service,
        "http": http,
    }


def _beside(event: Any) -> str:
    """What stands beside the data, for people."""
    told = ", ".join(f"{name}={value!r}" for name, value in event.attributes.items())
    status = f"status {event.http.status}" if event.http is not None and event.http.status else ""
    return "".join(f"; {text}" for text in (told, status, event.service and f"service {event.service}") if text)


def _tell_failure(raised: BaseException, event: Any) -> None:
    """Tell why an event failed; where it is not one of actorkit's errors, which line of the actor raised it."""
    from actorkit.errors import ActorkitError

    if not isinstance(raised, ActorkitError):
        traceback.print_exception(raised, file=sys.stderr)
    failure = event.failure
    _tell(f"failed: {failure.kind} ({failure.status}): {failure.message}")


def _tell(text: str) -> None:
    sys.stderr.write(f"kit: {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
