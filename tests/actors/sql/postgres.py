"""A PostgreSQL of the test's own: a cluster in a temporary folder, on a port of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.needs import missing
from tests.ports import free_port

#: A way to ask a database behind an actor's back.
Ask = Callable[[str], list[Any]]


@dataclass(frozen=True)
class Server:
    """A running server; `user` is who the system has it run as, None for who runs the tests.

    It listens at 127.0.0.1, and at `address` where pods or containers are to reach it.
    """

    programs: Path
    folder: Path
    port: int
    user: str | None
    address: str = ""

    @property
    def url(self) -> str:
        return f"postgresql://postgres:secret-word@127.0.0.1:{self.port}/postgres"

    def ask(self, statement: Any) -> list[Any]:
        """Run a statement; its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> psycopg.Connection[Any]:
        """A connection; what it does is not committed by itself."""
        return psycopg.connect(self.url)

    def control(self, *arguments: str) -> None:
        """Have pg_ctl do something."""
        addresses = ",".join(filter(None, ("127.0.0.1", self.address)))
        options = f"-p {self.port} -k {self.folder} -c listen_addresses={addresses} -c fsync=off"
        command: list[str | Path] = [
            self.programs / "pg_ctl",
            "-D",
            self.folder / "data",
            "-w",
            "-o",
            options,
            "-l",
            self.folder / "log",
        ]
        subprocess.run([*command, *arguments], check=True, timeout=60, user=self.user, stdout=subprocess.DEVNULL)


@contextmanager
def running(port: int = 0, address: str = "") -> Iterator[Server]:
    """Start one, on a free port where none is given, and end it. Without PostgreSQL the test is skipped."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("needs PostgreSQL: apt-get install postgresql")
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="actorkit-postgres-"))
    server = Server(found[-1].parent, folder, port or free_port(), user, address)
    try:
        (folder / "password").write_text("secret-word")
        if user is not None:
            for path in (folder, folder / "password"):
                shutil.chown(path, user)
        initdb: list[str | Path] = [found[-1], "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256", "-N"]
        settings = [f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run([*initdb, *settings], check=True, timeout=60, user=user, stdout=subprocess.DEVNULL)
        if address:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all scram-sha-256\n")
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
