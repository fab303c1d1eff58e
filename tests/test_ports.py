"""A port that a test has been given is nobody else's, and a server can have it."""

from __future__ import annotations

import socket
import struct

import pytest
import zmq
from gevent.pywsgi import WSGIServer

from tests.ports import free_port

#: The only ports that the kernel may choose for a socket: ip(7), since Linux 6.3. Python has no name for it.
IP_LOCAL_PORT_RANGE = 51


def wants(port: int, reuse: int = 0) -> socket.socket:
    """A socket for which the kernel can choose this port only, where it may choose one."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    try:
        made.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("@I", port << 16 | port))
    except OSError:
        made.close()
        pytest.skip("this kernel has no IP_LOCAL_PORT_RANGE")
    return made


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("reuse", [0, 1])
@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.0.0.2"])
def test_the_kernel_gives_it_to_no_bind_to_port_0(address: str, reuse: int) -> None:
    with wants(free_port(), reuse) as other, pytest.raises(OSError, match="in use"):
        other.bind((address, 0))


def test_the_kernel_gives_it_to_no_connection_that_goes_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        wants(free_port()) as other,
        pytest.raises(OSError, match="Cannot assign requested address"),
    ):
        other.connect(server.getsockname())


def test_the_kernel_gives_a_port_that_nobody_keeps() -> None:
    """The two before this one would see it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with wants(port) as other:
        other.bind(("127.0.0.1", 0))
        assert other.getsockname()[1] == port


def test_nobody_is_given_the_same_port() -> None:
    assert len({free_port() for _ in range(100)}) == 100


def test_a_server_listens_there_and_again_after_its_end() -> None:
    port = free_port()
    assert not listens(port), "whoever connects before is refused, as at any port without a server"
    for _ in range(2):
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.linger = 0
            router.bind(f"tcp://127.0.0.1:{port}")
            assert listens(port)
        with socket.create_server(("", port)):
            assert listens(port)
        server = WSGIServer(("127.0.0.1", port), log=None)
        server.start()
        assert listens(port)
        server.stop()
        assert not listens(port)
