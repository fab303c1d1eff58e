"""The brokers of the ZeroMQ guide, from a checkout of its repository, to be measured beside ours.

Its C broker was written for czmq 2. It is built against czmq 4, where a few calls have other names; its logic stays.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: What the C broker says, and what that is in czmq 4.
RENAMED = {
    "zctx_t *ctx; ": "int ctx; ",
    "self->ctx = zctx_new ();": "self->ctx = 0;",
    "zsocket_new (self->ctx, ZMQ_ROUTER)": "zsock_new (ZMQ_ROUTER)",
    "zctx_destroy (&self->ctx);": "zsock_destroy ((zsock_t **) &self->socket);",
    "zsocket_bind (self->socket, endpoint);": 'zsock_bind ((zsock_t *) self->socket, "%s", endpoint);',
    "{ self->socket,  0, ZMQ_POLLIN, 0 }": "{ zsock_resolve (self->socket), 0, ZMQ_POLLIN, 0 }",
    "zctx_interrupted": "zsys_interrupted",
    "int verbose = (argc > 1": "int verbose = (argc > 2",
    '"tcp://*:5555"': "argv [1]",
}

PYTHON_BROKER = (
    "import sys; sys.path.insert(0, {folder!r}); import logging, mdbroker; logging.disable(); "
    "broker = mdbroker.MajorDomoBroker(False); broker.bind('tcp://127.0.0.1:{{port}}'); broker.mediate()"
)


def brokers(checkout: Path, folder: Path) -> dict[str, list[str]]:
    """Return the commands of both brokers, with `{port}` for the port; the C broker is built in `folder`.

    Raises:
        OSError, subprocess.CalledProcessError: a file, the compiler or czmq 4 is missing.
    """
    examples = checkout / "examples"
    source = (examples / "C" / "mdbroker.c").read_text()
    for old, new in RENAMED.items():
        source = source.replace(old, new)
    (folder / "mdbroker.c").write_text(source)
    built = folder / "mdbroker"
    include = ["-I", str(examples / "C")]
    subprocess.run(["cc", "-O2", "-w", *include, "-o", built, folder / "mdbroker.c", "-lczmq", "-lzmq"], check=True)
    return {
        "guide, C": [str(built), "tcp://127.0.0.1:{port}"],
        "guide, Python": [sys.executable, "-c", PYTHON_BROKER.format(folder=str(examples / "Python"))],
    }
