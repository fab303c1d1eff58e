"""`python -m actorkit_kit.testing.stage`: plays the instances of a test that need no process of their own.

It reads messages from standard input, a line of JSON each, and answers each with a line on standard output. What actors
write to standard output goes to standard error. The end of the input ends it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from gevent import monkey

if TYPE_CHECKING:
    from actorkit_kit.testing.messages import Begin, Look, Message, Seen, Send, Start

#: Exit status where an actor cannot be set up: EX_CONFIG of sysexits.h.
EX_CONFIG: Final = 78
#: What the loggers of actors are called before their names.
_LOGGERS: Final = "actorkit.actor."


class Troupe(Protocol):
    """What plays the instances."""

    def begin(self, begin: Begin) -> None: ...

    def send(self, send: Send) -> None: ...

    def look(self, look: Look) -> Seen: ...

    def close(self) -> None: ...


def main() -> int:
    """Play until the input ends; returns the exit status."""
    answers = os.dup(1)
    os.dup2(2, 1)
    monkey.patch_all()
    import msgspec
    from gevent.fileobject import FileObjectThread

    from actorkit.errors import SettingsError
    from actorkit.observe import logs
    from actorkit_kit.testing.messages import Message, Seen, Start

    decode = msgspec.json.Decoder(Message).decode
    lines = FileObjectThread(sys.stdin.buffer, "rb")
    start = decode(lines.readline())
    if not isinstance(start, Start):
        raise TypeError("the first message has to be the start")
    first = next(iter(start.hosts.values()), {})
    logs.configure("text", "info", topology=first.get("ACTORKIT_TOPOLOGY", ""), actor="kit", instance="", trace=_trace)
    logging.getLogger().handlers[0].addFilter(_name_actor)
    for folder in dict.fromkeys(each["ACTORKIT_CODE"] for each in start.hosts.values() if "ACTORKIT_CODE" in each):
        sys.path.append(folder)
    try:
        troupe = _troupe(start)
    except SettingsError as exc:
        sys.stderr.write(f"kit: {exc}\n")
        return EX_CONFIG
    except Exception:
        logging.getLogger("actorkit.process").exception("setup failed")
        return EX_CONFIG
    os.write(answers, msgspec.json.encode(Seen()) + b"\n")
    for line in lines:
        reply = msgspec.json.encode(_obey(troupe, decode(line))) + b"\n"
        while reply:
            reply = reply[os.write(answers, reply) :]
    with suppress(Exception):  # it ends anyway, and the tests have been told all
        troupe.close()
    return 0


def _trace() -> str:
    from actorkit.host.progress import current

    event = current.get().event
    return event.trace if event is not None else ""


def _name_actor(record: logging.LogRecord) -> bool:
    """Tell which actor logs: all of them have one process."""
    if record.name.startswith(_LOGGERS):
        record.msg = f"{record.name.removeprefix(_LOGGERS)}: {record.msg}"
    return True


def _troupe(start: Start) -> Troupe:
    from actorkit_kit.testing.carried import Carried
    from actorkit_kit.testing.hosted import Hosted

    make: Callable[[Start], Troupe] = Carried if start.carries else Hosted
    return make(start)


def _obey(troupe: Troupe, message: Message) -> Seen:
    from actorkit_kit.testing.messages import Begin, Look, Seen, Send

    if isinstance(message, Begin):
        troupe.begin(message)
    elif isinstance(message, Send):
        troupe.send(message)
    elif isinstance(message, Look):
        return troupe.look(message)
    return Seen()


if __name__ == "__main__":
    sys.exit(main())
