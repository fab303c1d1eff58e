"""A bench for the broker's state machine: a clock of its own, and short names for what peers send."""

from __future__ import annotations

from typing import Any

import zmq
from zmq.backend import Frame

from actorkit.mdp import frames as f
from actorkit.mdp.broker.loop import serve
from actorkit.mdp.broker.state import BrokerState
from actorkit.mdp.options import BrokerParams

#: Silence after which a worker is dead with default parameters, in seconds.
EXPIRY_S = 7.5


class Bench:
    """A broker's state with a clock, and short names for what peers send."""

    def __init__(self, params: BrokerParams | None = None) -> None:
        self.now = 1000.0
        self.state = BrokerState(params or BrokerParams(), self.now)

    def receive(self, frames: list[bytes]) -> None:
        """Let the broker take one message, the sender's routing id first."""
        self.state.receive(list(frames), self.now)

    def send(self, identity: bytes, *frames: bytes) -> list[list[f.Part]]:
        self.receive([identity, *frames])
        return self.take()

    def take(self) -> list[list[f.Part]]:
        sent, self.state.outgoing[:] = list(self.state.outgoing), []
        return sent

    def ready(self, identity: bytes, service: bytes = b"echo") -> list[list[f.Part]]:
        return self.send(identity, b"", b"MDPW01", b"\x01", service)

    def ask(self, client: bytes, *body: bytes, service: bytes = b"echo") -> list[list[f.Part]]:
        return self.send(client, b"", b"MDPC01", service, *(body or (b"hi",)))

    def ask_ours(self, client: bytes, *body: bytes, ms: int = 0, service: bytes = b"echo") -> list[list[f.Part]]:
        return self.ask(client, f.write_header(f.RequestHeader(ms=ms)), *(body or (b"hi",)), service=service)

    def reply(self, identity: bytes, client: bytes, *body: bytes) -> list[list[f.Part]]:
        return self.send(identity, b"", b"MDPW01", b"\x03", client, b"", *(body or (b"yes",)))

    def beat(self, *identities: bytes) -> None:
        for identity in identities:
            self.send(identity, b"", b"MDPW01", b"\x04")

    def later(self, seconds: float, *alive: bytes) -> list[list[f.Part]]:
        """Let time pass in small steps, with heartbeats of the workers that are alive."""
        sent: list[list[f.Part]] = []
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 0.5)
            for identity in alive:
                self.receive([identity, b"", b"MDPW01", b"\x04"])
            self.state.tick(self.now)
            sent += self.take()
        return sent

    def error(self, reason: str) -> int:
        return self.state.counts.errors[reason]


class ScriptedSocket:
    """A socket that receives one message and notes what is sent."""

    def __init__(self) -> None:
        self.incoming: list[bytes] = []
        self.sent: list[list[f.Part]] = []
        self._message: list[f.Part] = []

    def recv(self, flags: int = 0, copy: bool = True) -> Any:
        if not self.incoming:
            raise zmq.Again
        data = self.incoming.pop(0)
        if copy:
            return data
        frame = Frame(data)
        frame.more = bool(self.incoming)
        return frame

    def send(self, data: Any, flags: int = 0) -> None:
        assert isinstance(data, bytes)
        self._message.append(data)
        if not flags & zmq.SNDMORE:
            self.sent.append(self._message)
            self._message = []


class LoopBench(Bench):
    """The same, through the loop around the state, where the two commonest messages are written out."""

    def __init__(self, params: BrokerParams | None = None) -> None:
        super().__init__(params)
        self.socket = ScriptedSocket()

    def receive(self, frames: list[bytes]) -> None:
        if len(frames) < 2:
            super().receive(frames)  # a ROUTER never receives a routing id alone
            return
        self.socket.incoming = list(frames)
        serve(self.socket, self.state, lambda: self.now, lambda: True, 0.1, lambda _: None)
        assert not self.socket.incoming
        assert not self.state.outgoing
        assert self.state.counts.errors["internal"] == 0

    def take(self) -> list[list[f.Part]]:
        sent = self.socket.sent + self.state.outgoing
        self.socket.sent, self.state.outgoing[:] = [], []
        return sent


def given(client: bytes, *body: bytes, to: bytes = b"w1") -> list[bytes]:
    return [to, b"", b"MDPW01", b"\x02", client, b"", *(body or (b"hi",))]


def answered(client: bytes, *body: bytes, service: bytes = b"echo") -> list[bytes]:
    return [client, b"", b"MDPC01", service, *(body or (b"yes",))]


def disconnected(identity: bytes) -> list[bytes]:
    return [identity, b"", b"MDPW01", b"\x05"]


def refusal(message: list[f.Part]) -> f.ErrorHeader:
    note = f.read_error_header([part for part in message[4:] if isinstance(part, bytes)])
    assert note is not None
    return note
