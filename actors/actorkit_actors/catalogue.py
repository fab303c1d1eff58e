"""The stock actors by the name that a topology uses. Plain data: nothing is imported until an actor is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: What a node of a topology is. An actor is part of the graph of events; the others serve it beside the graph, and each
#: has a section of that name in a topology, which is short for one actor.
Kind = Literal["actor", "broker", "registration", "titanic", "dead-letters"]


@dataclass(frozen=True)
class Entry:
    """A stock actor: `class_path` is `module:Class`, `extra` the extra of the distribution that it needs ("": none).

    `process` is what `python -m actorkit` runs in the place of the class, when that does not live in gevent's loop; the
    image of the runtime is enough for it.
    """

    name: str
    class_path: str
    extra: str
    summary: str
    kind: Kind = "actor"
    process: str = ""


_ENTRIES: Final = (
    Entry("basic-auth", "actorkit_actors.auth.basic:BasicAuth", "", "lets requests with a known name and password by"),
    Entry("data", "actorkit_actors.flow.data:Data", "xml", "gives every event the same data"),
    Entry(
        "dead-letters",
        "actorkit_actors.flow.dead_letters:DeadLetters",
        "",
        "keeps events that failed where no error outbox takes them",
        "dead-letters",
    ),
    Entry("generator", "actorkit_actors.flow.generator:Generator", "xml", "makes an event every so often"),
    Entry("http-server", "actorkit_actors.http.server:HTTPServer", "http", "takes HTTP requests in and answers them"),
    Entry(
        "mdp-broker",
        "actorkit_actors.mdp.broker:MDPBroker",
        "",
        "gives requests for services to workers, and answers back",
        "broker",
        "actorkit.mdp.broker:Broker",
    ),
    Entry(
        "mdp-client",
        "actorkit_actors.mdp.client:MDPClient",
        "",
        "asks a service at the broker and goes on with its answer",
    ),
    Entry(
        "mdp-registration-service",
        "actorkit_actors.mdp.registration_service:MDPRegistrationService",
        "",
        "lists the brokers that are there",
        "registration",
        "actorkit.mdp.directory:RegistrationService",
    ),
    Entry(
        "mdp-titanic",
        "actorkit_actors.mdp.titanic:MDPTitanic",
        "",
        "keeps requests on disk until they are done and collected",
        "titanic",
    ),
    Entry("mdp-worker", "actorkit_actors.mdp.worker:MDPWorker", "", "answers for services at the broker"),
    Entry("null", "actorkit_actors.flow.null:Null", "", "takes events and sends nothing"),
    Entry("stdout", "actorkit_actors.flow.stdout:Stdout", "", "writes events to standard output and passes them on"),
    Entry("xslt", "actorkit_actors.xml.xslt:XSLT", "xml", "transforms XML with an XSLT 1.0 stylesheet"),
)

#: Name → entry, in alphabetical order.
CATALOGUE: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}

#: Kind → the entry that a section of that name in a topology stands for.
SERVERS: Final[dict[str, Entry]] = {entry.kind: entry for entry in _ENTRIES if entry.kind != "actor"}
