"""Endpoints: what their text means, and that it is written again as it was read."""

from __future__ import annotations

import socket

import pytest

from actorkit.transport.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://auth:5550", Endpoint("tcp", "auth", 5550)),
        ("tcp://*:5550", Endpoint("tcp", "*", 5550)),
        ("tcp://127.0.0.1:*", Endpoint("tcp", "127.0.0.1", 0)),
        ("tcp://[::1]:5550", Endpoint("tcp", "::1", 5550)),
        ("tcp://[fe80::1%eth0]:5550", Endpoint("tcp", "fe80::1%eth0", 5550)),
        ("ipc:///run/kit/auth/*.sock", Endpoint("ipc", "/run/kit/auth/*.sock")),
        ("inproc://here", Endpoint("inproc", "here")),
    ],
)
def test_a_text_is_read_and_written_as_it_was(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint
    assert str(endpoint) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "auth:5550", "tcp:/auth:5550", "tcp://auth", "tcp://auth:65536", "tcp://[auth]:1", "tcp://::1:1"),
        *("tcp://a b:1", "ipc://", "ipc://a,b", "http://auth:80", "tcp://auth:5550\n", "tcp://auth:٥"),
    ],
)
def test_what_is_no_endpoint_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a ZeroMQ endpoint\. Write it as tcp://host:5550"):
        Endpoint.parse(text)


def test_a_host_and_a_port_are_an_endpoint_with_the_family_of_its_sockets() -> None:
    assert Endpoint.of_address("web:80") == Endpoint.tcp("web", 80)
    assert Endpoint.of_address("[::1]:0") == Endpoint.tcp("::1", 0)
    assert Endpoint.of_address("[::1]:80").family == socket.AF_INET6
    assert Endpoint.of_address("127.0.0.1:80").family == Endpoint.tcp("", 80).family == socket.AF_INET


@pytest.mark.parametrize("text", ["", "9600", ":9600", "::1:9600", "a:99999", "*:9600", "a:*", "http://a:1"])
def test_what_is_no_host_and_port_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="Write it as"):
        Endpoint.of_address(text)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("tcp://auth:1", "names_can_change"),
        ("tcp://localhost:1", "is_local names_can_change"),
        ("tcp://10.0.0.1:1", ""),
        ("tcp://127.0.0.1:1", "is_local"),
        ("tcp://*:1", "is_every_interface"),
        ("tcp://0.0.0.0:1", "is_every_interface"),
        ("tcp://[::]:1", "is_every_interface is_ipv6"),
        ("tcp://[::1]:1", "is_local is_ipv6"),
        ("tcp://[2001:db8::1]:1", "is_ipv6"),
        ("ipc:///a.sock", "is_local"),
        ("ipc:///*.sock", "is_local names_can_change"),
        ("inproc://a", "is_local"),
    ],
)
def test_an_endpoint_tells_who_can_reach_it_and_whether_it_can_change(text: str, flags: str) -> None:
    endpoint = Endpoint.parse(text)
    names = ("is_local", "is_every_interface", "is_ipv6", "names_can_change")
    assert [name for name in names if getattr(endpoint, name)] == [name for name in names if name in flags.split()]
