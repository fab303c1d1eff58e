"""The way to a port that is not published: connections that are carried by a command."""

from __future__ import annotations

import socket
import sys

from actorkit_kit.deployments.forward import relay

#: Answers each line in capital letters, at once.
LOUD = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"


def test_each_connection_is_one_run_of_the_command_and_what_it_says_comes_at_once() -> None:
    with relay([sys.executable, "-c", LOUD]) as address:
        host, _, port = address.partition(":")
        for word in (b"one\n", b"two\n"):
            with socket.create_connection((host, int(port)), 20) as connection:
                connection.sendall(word)
                assert connection.recv(100) == word.upper()
                connection.sendall(b"more\n")
                assert connection.recv(100) == b"MORE\n"


def test_when_the_command_has_ended_so_has_the_connection() -> None:
    with relay([sys.executable, "-c", "print('over')"]) as address:
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), 20) as connection:
            assert connection.makefile("rb").read() == b"over\n"
