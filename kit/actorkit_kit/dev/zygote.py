"""`python -m actorkit_kit.dev.zygote FD MODULE…`: imports the runtime and these modules, and is forked into actors.

Most of the time that an actor takes to start is that of its imports; a fork has them at once. `FD` is one end of a pair
of sockets: a message there is JSON, a number and the environment of an actor, and brings the file descriptor that the
actor writes to. The answers are `began NUMBER PID`, and `ended PID STATUS` for each that ends. When the other end is
closed, all of them drain.

Nothing here may make gevent's hub, or a thread: a fork has no use for them.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from gevent import monkey

from actorkit_kit.parent import die_with_parent

#: Longest message, in bytes.
MAX_MESSAGE_BYTES: Final = 1 << 20
#: As in `forks`, which is not imported here: it needs asyncio.
_DEBUGGED: Final = "KIT_DEBUGGED"


def main(number: int, modules: list[str]) -> int:
    """Import, and fork when told to; returns the exit status, that of the actor in a fork."""
    channel = socket.socket(fileno=number)  # Of the system's own, not of gevent's.
    forking, on_signal = os.fork, signal.signal
    monkey.patch_all()
    from actorkit.host import host
    from actorkit.process import actor, admin

    imported = (host, actor, admin)
    for module in modules:
        with suppress(Exception):  # The actor tells what is wrong with it.
            importlib.import_module(module)
    children, ask, parent = set[int](), die_with_parent(), os.getpid()
    on_signal(signal.SIGCHLD, lambda *_: _tell_ends(channel, children))
    gc.collect()
    gc.freeze()
    while imported:
        message, descriptors, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 1)
        if not message:
            break
        order, environ = json.loads(message)
        pid = forking()
        if not pid:
            on_signal(signal.SIGCHLD, signal.SIG_DFL)
            channel.close()
            return _become(environ, descriptors[0], ask, parent)
        children.add(pid)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(f"began {order} {pid}".encode())
    on_signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return 0


def _tell_ends(channel: socket.socket, children: set[int]) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            children.discard(pid)
            with suppress(OSError):  # nobody wants to know any more
                channel.send(f"ended {pid} {os.waitstatus_to_exitcode(status)}".encode())


def _become(environ: dict[str, str], out: int, ask: Callable[[], None] | None, parent: int) -> int:
    """Be the actor that the environment describes; `ask` has it die with its parent, a process of that number."""
    from actorkit import __main__ as program

    os.setsid()
    if ask is not None:
        ask()
    if os.getppid() != parent:  # It has ended before it could be asked.
        return 0
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(out)
    os.environ.clear()
    os.environ.update(environ)
    importlib.invalidate_caches()
    if (port := environ.get(_DEBUGGED)) is not None:
        _listen_for_debugger(int(port))
    return program.main()


def _listen_for_debugger(port: int) -> None:
    import debugpy  # type: ignore[import-not-found, unused-ignore]  # who asks for it has it

    debugpy.listen(("127.0.0.1", port))
    sys.stderr.write(f"a debugger is waited for at 127.0.0.1:{port}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
