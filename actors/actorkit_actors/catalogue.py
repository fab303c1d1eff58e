"""The stock actors by the name that a topology uses. Plain data: nothing is imported until an actor is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Entry:
    """A stock actor: `class_path` is `module:Class`, `extra` the extra of the distribution that it needs ("": none)."""

    name: str
    class_path: str
    extra: str
    summary: str


_ENTRIES: Final = (
    Entry("basic-auth", "actorkit_actors.basic_auth:BasicAuth", "", "lets requests with a known name and password by"),
    Entry("data", "actorkit_actors.data:Data", "xml", "gives every event the same data"),
    Entry("generator", "actorkit_actors.generator:Generator", "xml", "makes an event every so often"),
    Entry("http-server", "actorkit_actors.http_server:HTTPServer", "http", "takes HTTP requests in and answers them"),
    Entry(
        "mdp-client",
        "actorkit_actors.mdp_client:MDPClient",
        "",
        "asks a service at the broker and goes on with its answer",
    ),
    Entry("mdp-worker", "actorkit_actors.mdp_worker:MDPWorker", "", "answers for services at the broker"),
    Entry("null", "actorkit_actors.null:Null", "", "takes events and sends nothing"),
    Entry("stdout", "actorkit_actors.stdout:Stdout", "", "writes events to standard output and passes them on"),
    Entry("xslt", "actorkit_actors.xslt:XSLT", "xml", "transforms XML with an XSLT 1.0 stylesheet"),
)

#: Name → entry, in alphabetical order.
CATALOGUE: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}
