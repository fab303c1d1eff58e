"""What makes a process cheaper that a broker has for itself."""

from __future__ import annotations

import gc
import importlib
import logging
from types import SimpleNamespace
from typing import Any, Final

import zmq
from zmq.backend import Frame as FastFrame
from zmq.backend import Socket

from actorkit.mdp.frames import EMPTY

log = logging.getLogger(__name__)

#: pyzmq's compiled module.
INSIDE: Final = "zmq.backend.cython._zmq"

#: What the self-test sends and must see again: frames of all the ways in which libzmq keeps them (in the message
#: itself, up to 33 bytes; apart; none at all), long after short and short after long.
_SAMPLES: Final = ((b"", b"short"), (b"x" * 34, b"", b"y"), (b"z" * 100_000,), (b"last", b"w" * 5000))


def tune_process() -> None:
    """Make this process cheaper for a broker that has it for itself.

    The garbage collector leaves alone what is there now, and looks less often: a request makes no cycles.
    """
    reuse_receive_frame()
    gc.freeze()
    gc.set_threshold(50_000)


def reuse_receive_frame(inside_name: str = INSIDE) -> bool:
    """Have every frame received into the same object: about a sixth less time for a request. Tells whether it is so.

    pyzmq makes an object for every frame that it receives without a copy, by the name `Frame` that its compiled module
    looks up in its `zmq`. Here that name gives one frame, which is received into again and again: only one thread may
    receive so (`recv(copy=False)`), and it must read a frame before it receives the next.

    That is pyzmq's inside, and another version may have another. So it is tried out on a pair of sockets, and taken
    back where it does not do what is expected: the broker then works as well, and a little slower.
    """
    try:
        inside: Any = importlib.import_module(inside_name)
        names = inside.zmq
    except (ImportError, AttributeError) as exc:
        log.warning("pyzmq %s is built otherwise than expected, so each frame is an object: %s", zmq.__version__, exc)
        return False
    spare = _Spare()
    patched = SimpleNamespace(**vars(zmq))
    patched.Frame = lambda track=False: spare  # noqa: ARG005  # called so by pyzmq
    inside.zmq = patched  # it is asked for names only
    try:
        why = _try_out(spare)
    except Exception as exc:  # noqa: BLE001  # whatever goes wrong in there, it must not end the broker
        why = repr(exc)
    if why:
        inside.zmq = names
        log.warning("pyzmq %s does not receive into one frame, so each is an object: %s", zmq.__version__, why)
    return not why


class _Spare(FastFrame):
    """A frame that is used again, so it must not keep a copy of what it held."""

    @property
    def bytes(self) -> bytes:
        return EMPTY + self  # type: ignore[operator]  # a frame is a buffer


def _try_out(spare: FastFrame) -> str:
    """Send messages over a pair of sockets; returns what is not as expected, "" when all is."""
    context: zmq.Context[Any] = zmq.Context()
    sender, receiver = Socket(context, zmq.PAIR), Socket(context, zmq.PAIR)
    try:
        receiver.set(zmq.RCVTIMEO, 1000)
        receiver.bind("inproc://actorkit.tuning")
        sender.connect("inproc://actorkit.tuning")
        for message in _SAMPLES:
            for part in message[:-1]:
                sender.send(part, zmq.SNDMORE)
            sender.send(message[-1])
        for message in _SAMPLES:
            for number, part in enumerate(message, 1):
                frame = receiver.recv(0, False)
                if frame is not spare:
                    return "a frame is another object"
                if EMPTY + frame != part or frame.bytes != part or len(frame) != len(part):  # type: ignore[operator]
                    return f"a frame of {len(part)} bytes has other bytes"
                if bool(frame.more) is not (number < len(message)):
                    return "a frame does not tell whether more follow"
    finally:
        sender.close(0)
        receiver.close(0)
        context.term()
    return ""
