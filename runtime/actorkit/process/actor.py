"""An actor as a process of its own: loads the class, serves the admin port, obeys signals."""

from __future__ import annotations

import gc
import importlib
import logging
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from gevent import monkey

from actorkit.errors import SettingsError
from actorkit.process import allocator
from actorkit.process.memory import memory_limit_bytes
from actorkit.settings import Settings

if TYPE_CHECKING:
    from actorkit.host.host import Host
    from actorkit.observe.otlp import Exporter

#: Exit status when events were left unfinished after a drain: EX_TEMPFAIL of sysexits.h.
EX_LEFT: Final = 75

#: Objects made, less those freed, before the youngest generation is collected; Python's own default is 700 to 2,000.
GC_THRESHOLD: Final = 20_000

#: The share of a process's memory in which it recognises repeats, and the most, in bytes: enough for 160,000 events a
#: second.
DEDUP_PERCENT: Final = 10
DEDUP_MOST_BYTES: Final = 128 << 20

#: Exit status when the actor itself failed: its setup or its produce raised.
EX_FAILED: Final = 1


def main(settings: Settings) -> int:
    """Run an actor until SIGTERM or SIGINT; returns the exit status.

    Raises:
        SettingsError: the class cannot be loaded or its parameters are wrong.
    """
    monkey.patch_all()
    allocator.keep_freed_memory()
    import gevent
    from gevent.event import Event as Flag

    from actorkit import __version__
    from actorkit.admin.pages import actions_on, told_by
    from actorkit.edge.receiver import MAX_BYTES
    from actorkit.host.host import Host
    from actorkit.host.metrics import HostCollector
    from actorkit.host.progress import current
    from actorkit.host.watchdog import Watchdog
    from actorkit.observe import logs
    from actorkit.process.admin import serve_admin

    def trace() -> str:
        event = current.get().event
        return event.trace if event is not None else ""

    logs.configure(
        settings.log_format,
        settings.log_level,
        topology=settings.topology,
        actor=settings.actor,
        instance=settings.instance,
        trace=trace,
    )
    log = logging.getLogger("actorkit.process")
    started = time.monotonic()
    if settings.code is not None:
        sys.path.append(str(settings.code))
    cls = load(settings.class_path)
    stop = Flag()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    memory = memory_limit_bytes()
    host = Host(settings, cls, dedup_bytes=dedup_bytes(memory), inbox_bytes=max(MAX_BYTES, memory // 4))
    collector = HostCollector(host, __version__)
    server = serve_admin(settings, host.why_not_ready, told_by(host), collector, actions=actions_on(host))
    exporter = _trace(host, __version__)
    try:
        host.start()
    except SettingsError:
        raise
    except Exception:
        log.exception("setup failed")
        return EX_FAILED
    # Events come and go by reference count; what was imported stays for good. So the collector need not look often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    stuck_after_s = host.actor.params.stuck_after_s
    watchdog = Watchdog(stuck_after_s, host.at_work, host.methods.beat) if stuck_after_s else None
    if watchdog is not None:
        watchdog.start()
    log.info("started in %d ms", (time.monotonic() - started) * 1000)
    gevent.wait([stop, host.ended], count=1)
    clean = host.finish(settings.drain_timeout_s)
    if watchdog is not None:
        watchdog.stop()
    if exporter is not None:
        exporter.close()
    if server is not None:
        server.stop()
    if host.crashed is not None:
        return EX_FAILED
    return 0 if clean else EX_LEFT


def _trace(host: Host, version: str) -> Exporter | None:
    """Begin to tell a collector of the traces that are recorded, where one is named."""
    from actorkit.host.tracer import Tracer
    from actorkit.observe.otlp import Exporter

    settings = host.settings
    if settings.traces is None or not settings.sample_every:
        return None
    exporter = Exporter(settings.traces, settings.topology, settings.instance, version)
    exporter.start()
    Tracer(host, exporter, settings.sample_every)
    return exporter


def dedup_bytes(limit_bytes: int) -> int:
    """The memory for recognising repeats, of a process that may use so much in all."""
    return min(DEDUP_MOST_BYTES, limit_bytes * DEDUP_PERCENT // 100)


def load(class_path: str) -> type:
    """Import the class `package.module:Class`.

    Raises:
        SettingsError: there is no such module or class, or it is no actor. What the module itself raises comes through.
    """
    from actorkit.actor import Actor

    module_name, _, name = class_path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        if exc.name is None or not (module_name == exc.name or module_name.startswith(f"{exc.name}.")):
            raise
        raise SettingsError(
            f'ACTORKIT_CLASS is "{class_path}", and there is no module "{exc.name}". Is it in this image?'
        ) from exc
    cls = getattr(module, name, None)
    if not (isinstance(cls, type) and issubclass(cls, Actor)):
        raise SettingsError(f'ACTORKIT_CLASS is "{class_path}", and "{name}" is no actor class of that module.')
    return cls
