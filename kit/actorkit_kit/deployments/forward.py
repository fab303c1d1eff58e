"""A way from this machine to a port of an instance that publishes none."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Final

from actorkit_kit.deploy.cluster import Cluster
from actorkit_kit.errors import KitError
from actorkit_kit.free_ports import LOOPBACK
from actorkit_kit.output import last_line

#: The most that is carried at a time, in bytes.
_PIECE_BYTES: Final = 1 << 16
#: What kubectl writes when it listens.
_FORWARDS: Final = re.compile(rf"Forwarding from ({re.escape(LOOPBACK)}:\d+) ->")


@contextmanager
def forward_port(cluster: Cluster, pod: str, port: int) -> Iterator[str]:
    """The address on this machine that leads to a port of a pod, as long as the context is open.

    Raises:
        KitError: there is no way to it.
    """
    arguments = ("port-forward", f"pod/{pod}", f":{port}", f"--address={LOOPBACK}")
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            cluster.kubectl(*arguments), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        ) as process,
    ):
        try:
            found = _FORWARDS.match(process.stdout.readline() if process.stdout else "")
            if found is None:
                process.wait()
                said.seek(0)
                raise KitError(f"port {port} of the pod {pod} cannot be reached: {last_line(said.read())}")
            yield found[1]
        finally:
            process.terminate()


@contextmanager
def relay(command: Sequence[str]) -> Iterator[str]:
    """The address on this machine that leads to whatever `command` talks to by its standard input and output, as long
    as the context is open; each connection is one run of it."""
    with closing(socket.create_server((LOOPBACK, 0))) as server:
        thread = threading.Thread(target=_accept, args=(server, command), daemon=True)
        thread.start()
        try:
            yield f"{LOOPBACK}:{server.getsockname()[1]}"
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(server: socket.socket, command: Sequence[str]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=(connection, command), daemon=True).start()


def _carry(connection: socket.socket, command: Sequence[str]) -> None:
    """Carry what one connection says to one run of the command and back, until the command ends."""
    pipe = subprocess.PIPE
    with (
        connection,
        subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process,
    ):
        there = threading.Thread(target=_send_on, args=(connection, process), daemon=True)
        there.start()
        try:
            while process.stdout and (data := process.stdout.read(_PIECE_BYTES)):
                connection.sendall(data)
        except OSError:
            pass  # who asked has gone
        finally:
            process.terminate()
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            there.join()


def _send_on(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Give the command what comes, to the end of either."""
    with suppress(OSError):
        while process.stdin and (data := connection.recv(_PIECE_BYTES)):
            process.stdin.write(data)
