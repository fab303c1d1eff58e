"""An instance's own name, as a name server tells it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit import settings
from actorkit.transport import own_name
from actorkit.transport.own_name import first_label, query

#: What Docker's name server answers for 172.19.0.2, after the number of the question.
DOCKERS = (
    b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x012\x010\x0219\x03172\x07in-addr\x04arpa\x00\x00\x0c\x00\x01"
    b"\x012\x010\x0219\x03172\x07in-addr\x04arpa\x00\x00\x0c\x00\x01\x00\x00\x02X\x00\x1d"
    b"\x10orders-execute-2\nh-ptr_edge\x00"
)
#: The same with the name of the record and that of the network as pointers.
POINTERS = (
    b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x012\x010\x0219\x03172\x07in-addr\x04arpa\x00\x00\x0c\x00\x01"
    b"\xc0\x0c\x00\x0c\x00\x01\x00\x00\x02X\x00\x02\xc0\x37\x10orders-execute-2\x00"
)
NOBODY = b"\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00\x012\x010\x0219\x03172\x07in-addr\x04arpa\x00\x00\x0c\x00\x01"


def numbered(answer: bytes, number: int = 7) -> bytes:
    return struct.pack("!H", number) + answer


@contextmanager
def name_server(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A name server on this machine that answers one question; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as serving:
        serving.bind(("127.0.0.1", 0))
        serving.settimeout(10)

        def serve() -> None:
            question, asker = serving.recvfrom(512)
            serving.sendto(answer(question), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield serving.getsockname()[1]
        finally:
            thread.join()


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("search x\nnameserver 127.0.0.1\nnameserver 192.0.2.1\n")
    return path


def test_the_question_is_for_the_name_of_an_address() -> None:
    asked = query("172.19.0.2", 7)
    assert asked == numbered(b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + NOBODY[10:])


@pytest.mark.parametrize(
    ("answer", "name"), [(DOCKERS, "orders-execute-2"), (POINTERS, "orders-execute-2"), (NOBODY, "")]
)
def test_the_first_label_of_the_answer_is_the_name(answer: bytes, name: str) -> None:
    assert first_label(numbered(answer), 7) == name


def test_an_answer_to_another_question_is_none() -> None:
    with pytest.raises(ValueError, match="another question"):
        first_label(numbered(DOCKERS, 8), 7)


@given(st.binary(max_size=80))
def test_whatever_is_answered_is_a_name_or_refused(junk: bytes) -> None:
    for answer in (junk, numbered(DOCKERS[:48] + junk), numbered(POINTERS[:30] + junk)):
        try:
            assert isinstance(first_label(answer, 7), str)
        except ValueError:
            continue


def test_an_instance_asks_the_first_name_server(conf: Path) -> None:
    with name_server(lambda question: question[:2] + DOCKERS) as port:
        assert own_name.own_name(conf, port, 10.0) == "orders-execute-2"


def test_where_nobody_answers_there_is_no_name(conf: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert own_name.own_name(conf, silent.getsockname()[1], 0.01) == ""
    assert own_name.own_name(tmp_path / "none") == ""


def test_an_instance_without_a_name_in_the_dns_has_that_of_its_host_and_process() -> None:
    read = settings.read({"ACTORKIT_ACTOR": "a", "ACTORKIT_CLASS": "a.b:C", "ACTORKIT_INSTANCE": "@dns"})
    assert read.instance
    assert read.instance != "@dns"
