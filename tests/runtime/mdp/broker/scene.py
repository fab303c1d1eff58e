"""A broker with one worker and one client, of which the tables of docs/majordomo.md speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from actorkit.mdp import frames as f
from actorkit.mdp.frames import V1, V2, Dialect
from actorkit.mdp.options import BrokerParams, ServiceOptions
from tests.runtime.mdp.broker.bench import Bench

KIB: Final = 1024

#: "once" must not be done twice; "tight" takes one request into its queue.
PARAMS: Final = BrokerParams(
    max_deliveries=3,
    request_timeout_s=20,
    max_services=2,
    max_body_bytes=100,
    queue_bytes_limit=400,
    client_bytes_limit=1024 * KIB,
    services={"once": ServiceOptions(idempotent=False), "tight": ServiceOptions(queue_limit=0)},
)
#: Routing ids: a worker of ours and others, a client and another.
OURS, W, W2, C, C2 = f.OUR_WORKER + bytes(9), b"w", b"w2", b"c", b"c2"


class Scene(Bench):
    """A broker with one worker and one client that a table speaks of."""

    def __init__(self, dialect: Dialect, *, client: Dialect | None = None, ours: bool = True) -> None:
        super().__init__(PARAMS)
        self.dialect, self.client_dialect, self.is_ours = dialect, client or dialect, ours
        self.worker, self.service = W, b"echo"
        self.sent: list[list[f.Part]] = []

    def take(self) -> list[list[f.Part]]:
        taken = super().take()
        self.sent += taken
        return taken

    def command(self, *frames: bytes, worker: bytes | None = None, dialect: Dialect | None = None) -> None:
        self.send(worker or self.worker, *map(bytes, (dialect or self.dialect).worker_head), *frames)

    def registers(self, worker: bytes | None = None) -> None:
        self.command(self.dialect.ready, self.service, worker=worker)

    def replies(self, *body: bytes, client: bytes = C, part: bool = False, worker: bytes | None = None) -> None:
        command = self.dialect.partial if part else self.dialect.final
        assert command is not None
        self.command(command, client, b"", *(body or (b"yes",)), worker=worker)

    def asks(self, *body: bytes, client: bytes = C, service: bytes | None = None) -> None:
        dialect = self.client_dialect
        header = [f.write_header(f.RequestHeader(ms=20_000))] if self.is_ours else []
        head = (*dialect.client_head, *dialect.client_request)
        self.send(client, *head, self.service if service is None else service, *header, *(body or (b"hi",)))

    def undelivered(self, message: list[f.Part]) -> None:
        """The last message was not sent: its receiver has gone."""
        self.sent.clear()
        self.state.undeliverable(message, self.now, gone=True)
        self.take()

    def drains(self) -> None:
        self.state.drain(self.now)
        self.take()

    def ends(self) -> None:
        self.state.shut_down()
        self.take()

    def passes(self, seconds: float, *, beats: bool) -> None:
        """Let time pass; `sent` has then what the very last moment brought."""
        end = self.now + seconds
        while self.now < end:
            self.sent.clear()
            self.now = min(end, self.now + 0.5)
            if beats:
                self.command(self.dialect.heartbeat)
            self.state.tick(self.now)
            self.take()

    def said(self, subject: bytes) -> str:
        """What was sent, in the words of the tables; `subject` is whom they need not name."""
        words = []
        for identity, *message in self.sent:
            to = "" if identity == subject else " to the client" if identity in (C, C2) else " to the worker"
            words.append(self._word(identity in (C, C2), message) + to)
        return ", ".join(words) or "–"

    @staticmethod
    def _word(to_client: bool, message: Sequence[f.Part]) -> str:
        parts = [part if isinstance(part, bytes) else part.bytes for part in message]
        dialect = V1 if parts[0] == b"" else V2
        rest = parts[len(dialect.client_head) :]
        if not to_client:
            return {dialect.request: "REQUEST", dialect.heartbeat: "HEARTBEAT", dialect.disconnect: "DISCONNECT"}[
                rest[0]
            ]
        note = f.read_error_header(rest[len(dialect.client_final) + 1 :])
        if note is not None:
            return str(note.status)
        return "PARTIAL" if dialect is V2 and rest[0] == V2.client_partial[0] else "REPLY"


def steps(*each: Callable[[Scene], object]) -> Callable[[Scene], None]:
    """Several steps, of which only the last one's messages stand in the table."""

    def run(scene: Scene) -> None:
        for step in each:
            scene.sent.clear()
            step(scene)

    return run
