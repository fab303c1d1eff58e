"""The host of one actor instance: sockets, workers, outboxes, and the order in which they start and stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import gevent
import zmq
from gevent.event import Event as Flag

from actorkit import params
from actorkit.actor import Actor
from actorkit.edge.dedup import REMEMBER_BYTES, DedupWindow
from actorkit.edge.listener import Listener
from actorkit.edge.receiver import MAX_BYTES, Receiver
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.ids import new_id
from actorkit.host.absences import Absences
from actorkit.host.connectors import lonely, make_connectors
from actorkit.host.consumer import Consumer
from actorkit.host.flush import FlushOnce
from actorkit.host.hold import Hold
from actorkit.host.letters import Letters
from actorkit.host.log_outbox import LogOutbox
from actorkit.host.outboxes import Outboxes
from actorkit.host.producer import Producer, SourceWindow
from actorkit.host.progress import current, outgoing
from actorkit.host.requests import Requests
from actorkit.observe import redact
from actorkit.observe.logs import LEVELS
from actorkit.settings import Settings
from actorkit.transport import topology_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.io_yield import yield_to_io

#: An idle instance that drains waits this long for a sender that may still need it, in seconds.
QUIET_S: Final = 2.0

#: Acknowledgements wait this long for more of them, in seconds. Events never wait.
ACK_DELAY_S: Final = 0.002

#: How often it is looked which events are being consumed, in seconds. The hot path notes no time for each.
AGE_POLL_S: Final = 2.0

#: How often a draining instance asks its senders whether they still need it, in seconds.
POLL_S: Final = 0.25

log = logging.getLogger("actorkit.host")


class Host:
    """Runs one instance of an actor; implements `actorkit.actor.Runtime`. `dedup_bytes` bounds the memory for
    recognising repeats, `inbox_bytes` what has come and has not been consumed.

    Stops in three steps: `drain` (nothing new from outside, upstreams are told), wait until the ledger is empty or the
    time is over, `close`.
    """

    def __init__(
        self,
        settings: Settings,
        cls: type[Actor],
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
        dedup_bytes: int = REMEMBER_BYTES,
        ack_delay_s: float = ACK_DELAY_S,
        inbox_bytes: int = MAX_BYTES,
    ) -> None:
        self.settings = settings
        redact.learn_headers(settings.secret_headers)
        self.name = settings.actor
        self.instance = settings.instance
        self.brokers = settings.brokers
        self.context = context or zmq.Context.instance()
        self.draining = False
        self.crashed: BaseException | None = None
        self.ended = Flag()
        self.flush = FlushOnce(self._flush)
        self._set_up = False
        #: The timer of acknowledgements that wait. It is a repeating one, for only such a timer can be started anew
        #: (libev, `ev_timer_again`); `_send_acks` stops it when it has fired once.
        self._acks = gevent.get_hub().loop.timer(ack_delay_s, ack_delay_s)
        self._absences = Absences()
        #: Looks at what is only told when it has lasted.
        self._looks = gevent.get_hub().loop.timer(AGE_POLL_S, AGE_POLL_S, ref=False)
        self.receiver = Receiver(
            settings.topology,
            self.name,
            self.instance,
            dedup=DedupWindow(max_bytes=dedup_bytes),
            max_bytes=inbox_bytes,
            life=new_id(),
        )
        self.listener: Listener | None = None
        self._keys = topology_keys.read(settings.keys) if settings.keys is not None else None
        self.keys = self._keys.client if self._keys is not None else None
        self.connectors = make_connectors(settings, self.context, self.schedule, self.keys, busy=lambda: not self.idle)
        self._all_connectors = [one for connectors in self.connectors.values() for one in connectors]
        senders = {
            outbox: [connector.sender for connector in connectors] for outbox, connectors in self.connectors.items()
        }
        self.outboxes = Outboxes(self.name, senders, cls.OUTBOXES, self.flush, self._dead_letter)
        self._letters = Letters(settings, self.outboxes)
        self.window = SourceWindow(self.outboxes, settings.source_window)
        self.requests = Requests(self.name, self.instance, self.outboxes)
        self.actor = cls(self.name, params.build(cls.Params, settings.params), self)
        self.consumer: Consumer | None = None
        self._producer: Producer | None = None

    # --- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Set the actor up, bind the inbox, begin to work.

        Raises:
            SettingsError: the inbox cannot be bound. Whatever the actor's `setup` raises comes through untouched.
        """
        cls = type(self.actor)
        self.actor.setup()
        if cls.consumes():
            answered = self.requests.answered if cls.ANSWERS else None
            self.consumer = Consumer(self.actor, self.receiver, self.outboxes, answered, self._crash)
        if self.settings.inbox is not None:
            keys = self._keys.server if self._keys is not None else None
            self.listener = Listener(self.context, self.settings.inbox, self.receiver, self._on_arrival, keys)
            log.info("inbox at %s", self.listener.endpoint)
            if keys is None and not Endpoint.parse(self.settings.inbox).is_local:
                log.warning(
                    "the inbox is in the clear, and other hosts can reach it: whoever does can send events. Set "
                    "ACTORKIT_KEYS (keys: in the topology), or keep others out of the network (docs/security.md)."
                )
        if "log" in self.connectors:
            self.actor.log.setLevel(LEVELS[self.settings.log_level])
            self.actor.log.addHandler(LogOutbox(self.outboxes, self.name, self.instance))
        if cls.produces():
            self._producer = Producer(self.actor, self.outboxes, self.window, self._crash)
        self._looks.start(self._look)
        self._set_up = True

    @property
    def ready(self) -> bool:
        """Whether the instance can take work: set up, not draining, every outbox with a peer, space in the source's
        window."""
        return not self.why_not_ready()

    def why_not_ready(self) -> str:
        """Why the instance is not ready, in words; "" when it is ready."""
        if not self._set_up:
            return "setting up"
        if self.draining:
            return "draining"
        missing = self._absences.look(lonely(self.connectors), time.monotonic())
        if missing:
            return missing
        if self.window.full:
            return f"{self.outboxes.roots} events are unfinished"
        return self.why_not_getting_on()

    def _look(self) -> None:
        """Look at what is only told when it has lasted: how long events are consumed, and who is missing."""
        _ = self.oldest_consume_s
        self._absences.look(lonely(self.connectors), time.monotonic())

    def why_not_getting_on(self) -> str:
        """Why no worker has got on for longer than `stuck_after_s`, for people; "" when one has."""
        if self.consumer is None:
            return ""  # Actors that consume nothing, as a broker, need not have the parameter.
        stuck_after_s = self.actor.params.stuck_after_s
        stuck_s = self.consumer.stuck_s(time.monotonic())
        return f"{self.at_work()} for {stuck_s:.0f} s" if stuck_after_s and stuck_s > stuck_after_s else ""

    @property
    def oldest_consume_s(self) -> float:
        """How long the oldest event that is being consumed is."""
        return self.consumer.oldest_s(time.monotonic()) if self.consumer is not None else 0.0

    def at_work(self) -> str:
        """What is being consumed, for people."""
        events = self.consumer.at_work() if self.consumer is not None else []
        return f"consuming event {', '.join(events)}" if events else "consuming nothing"

    @property
    def idle(self) -> bool:
        """Whether nothing is unfinished in this instance."""
        waits = self.outboxes.roots or len(self.requests)
        return self.receiver.idle and not waits and all(connector.sender.idle for connector in self._all_connectors)

    def drain(self) -> None:
        """Take nothing new: the actor closes its listeners, sources end, upstreams are told to send elsewhere."""
        if self.draining:
            return
        log.info("draining")
        self.draining = True
        self.window.close()
        self.actor.drain()
        self.receiver.drain()
        for connector in self._all_connectors:
            connector.sender.draining = True
        self.schedule()

    def finish(self, timeout_s: float) -> bool:
        """Wait until all is finished, at most `timeout_s` seconds; then stop. Returns whether nothing was left."""
        self.drain()
        deadline = time.monotonic() + timeout_s
        quiet_since, seen = time.monotonic(), (-1, -1)
        polled = 0.0
        while True:
            now = time.monotonic()
            signs = (sum(self.receiver.inboxes.values()), self.receiver.stays)
            if signs != seen or not self.idle:
                quiet_since, seen = now, signs
            elif not self.receiver.sessions or now - quiet_since >= QUIET_S:
                break
            if now >= deadline or (self.consumer is not None and self.consumer.crashed):
                break
            if now - polled >= POLL_S:
                polled = now
                self.receiver.drain()  # Told again: a sender that is gone is noticed, a busy one says Stay.
                self.schedule()
            gevent.sleep(0.02)
        self.requests.draining = True
        left = not self.idle
        if left and self.consumer is not None and self.consumer.crashed:
            log.warning("ends with an event that ended the process; sent again by who sent it: %s", self.remainder())
        elif left:
            log.warning("the time to drain is over: %s", self.remainder())
        self.close()
        return not left

    def remainder(self) -> str:
        """What is not finished, in words."""
        senders = [connector.sender for connector in self._all_connectors]
        return (
            f"{len(self.receiver.deliveries)} deliveries, {self.receiver.in_work} events in work, "
            f"{sum(s.backlog for s in senders)} waiting for a peer, "
            f"{sum(s.in_flight for s in senders)} unacknowledged"
        )

    def close(self) -> None:
        """Stop the workers, tear the actor down, close the sockets."""
        if self._producer is not None:
            self._producer.kill()
        for handler in [handler for handler in self.actor.log.handlers if isinstance(handler, LogOutbox)]:
            self.actor.log.removeHandler(handler)
        if self.consumer is not None:
            self.consumer.stop()
        self.receiver.end("stopped")
        for timer in (self._acks, self._looks):
            timer.stop()
            timer.close()
        try:
            self.actor.teardown()
        finally:
            self._flush()
            for connector in self._all_connectors:
                connector.close()
            if self.listener is not None:
                self.listener.close()
            self._letters.close()
            self.ended.set()

    # --- what an actor asks of it -----------------------------------------------------------------------------------

    def send(self, event: Event, outbox: str | None) -> None:
        """Send an event for the one that is being consumed, or as a source when there is none."""
        sent = outgoing.get()
        if sent is not None:
            sent.append((event, outbox))
            return
        targets = self.outboxes.targets(outbox)
        parent = current.get().event
        if parent is None:
            self.window.wait()
            self.outboxes.emit_root(event, targets, self.window.recheck)
        else:
            self.outboxes.emit(event, targets, parent)
            self.schedule()

    def request(
        self,
        event: Event,
        outbox: str | None,
        timeout_s: float,
        finish_expired: bool,
        finished: Callable[[], None],
    ) -> Event:
        return self.requests.ask(event, outbox, timeout_s, finish_expired, current.get().event, finished)

    def hold(self, event: Event) -> Hold:
        consumer, session = self.consumer, current.get().session
        if consumer is None:
            raise TypeError("only an event that is being consumed can be held")
        return Hold(self.outboxes, event, lambda error: consumer.refuse(session, event, error))

    # --- the loop ---------------------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Have everything that waits sent in the next pass of the loop."""
        self.flush.schedule()

    def _flush(self) -> None:
        if self.consumer is not None:
            self.consumer.report()
        for connector in self._all_connectors:
            connector.flush()
        if self.listener is not None and self.receiver.has_news:
            if self.receiver.urgent:
                self.listener.flush()
                yield_to_io()
            elif not self._acks.active:
                self._acks.again(self._send_acks)
        if self._producer is not None:
            self.window.recheck()

    def _send_acks(self) -> None:
        self._acks.stop()
        if self.listener is not None:
            self.listener.flush()

    def _on_arrival(self) -> None:
        if self.consumer is not None:
            self.consumer.arrived()
        if self.receiver.has_news:
            self.schedule()

    def _crash(self, exc: BaseException) -> None:
        self.crashed = exc
        self.ended.set()

    def _dead_letter(self, event: Event, failure: Failure, inbox: str) -> None:
        self._letters.keep(event, failure, inbox)
