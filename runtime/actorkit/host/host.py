"""The host of one actor instance: sockets, workers, outboxes, and the order in which they start and stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import gevent
import zmq
from gevent.event import Event as Flag

from actorkit import params
from actorkit.actor import Actor
from actorkit.coroutines.thread import CoroutineThread
from actorkit.edge.dedup import REMEMBER_BYTES, DedupWindow
from actorkit.edge.listener import Listener
from actorkit.edge.receive_session import ReceiveSession
from actorkit.edge.receiver import MAX_BYTES, Receiver
from actorkit.event import Event
from actorkit.event.context import Failure
from actorkit.event.ids import new_id
from actorkit.host.absences import Absences
from actorkit.host.batches import BatchConsumer
from actorkit.host.connectors import lonely, make_connectors
from actorkit.host.consumer import Consumer
from actorkit.host.coroutines import CoroutineRuntime
from actorkit.host.drain import Drain, remainder
from actorkit.host.flush import FlushOnce
from actorkit.host.hold import Hold
from actorkit.host.letters import Letters
from actorkit.host.log_outbox import LogOutbox
from actorkit.host.methods import Methods
from actorkit.host.outboxes import Outboxes
from actorkit.host.producer import SourceWindow
from actorkit.host.progress import current, outgoing
from actorkit.host.recent import Recent
from actorkit.host.requests import Requests
from actorkit.host.source import Source
from actorkit.host.timers import Timers
from actorkit.observe import redact
from actorkit.observe.logs import LEVELS
from actorkit.settings import Settings
from actorkit.transport import topology_keys
from actorkit.transport.endpoint import Endpoint
from actorkit.transport.io_yield import yield_to_io

#: Acknowledgements wait this long for more of them, in seconds. Events never wait.
ACK_DELAY_S: Final = 0.002

#: How often it is looked which events are being consumed, in seconds. The hot path notes no time for each.
AGE_POLL_S: Final = 2.0


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
        self.topology = settings.topology
        self.brokers = settings.brokers
        self.context = context or zmq.Context.instance()
        self.draining = False
        self.crashed: BaseException | None = None
        self.ended = Flag()
        self.consumer: Consumer | None = None
        self.recent = Recent(settings.sample_every if settings.admin is not None else 0)
        self._thread = CoroutineThread(self._crash) if cls.has_coroutines() else None
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
        self.receiver.withdrawn.pass_on = self._give_up
        self.listener: Listener | None = None
        self._keys = topology_keys.read(settings.keys) if settings.keys is not None else None
        self.keys = self._keys.client if self._keys is not None else None
        self.connectors = make_connectors(settings, self.context, self.schedule, self.keys, busy=lambda: not self.idle)
        self.all_connectors = [one for connectors in self.connectors.values() for one in connectors]
        senders = {
            outbox: [connector.sender for connector in connectors] for outbox, connectors in self.connectors.items()
        }
        self.outboxes = Outboxes(self.name, senders, cls.OUTBOXES, self.flush, self._dead_letter)
        self._letters = Letters(settings, self.outboxes)
        self.window = SourceWindow(self.outboxes, settings.source_window)
        self.requests = Requests(self.name, self.instance, self.outboxes)
        built = params.build(cls.Params, settings.params)
        self.actor = cls(self.name, built, CoroutineRuntime(self, self._thread) if self._thread else self)
        self.methods = Methods(self.actor, self._thread)
        self.timers = Timers(self.actor, self.methods, self._crash)
        self._drain = Drain(self)
        self._source = Source(settings.topology, self.outboxes, self.window, self._crash)

    # --- life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Set the actor up, bind the inbox, begin to work.

        Raises:
            SettingsError: the inbox cannot be bound. Whatever the actor's `setup` raises comes through untouched.
        """
        cls = type(self.actor)
        self._source.open(self.actor, self.methods)
        self.methods.of("setup")()
        if cls.consumes():
            answered = self.requests.answered if cls.ANSWERS else None
            make, consume = BatchConsumer if cls.consumes_batches() else Consumer, self.methods.consume(self.outboxes)
            self.consumer = make(self.actor, self.receiver, self.outboxes, consume, answered, self._crash, self.recent)
            self.recent.open(self.consumer.intake, timed=make is Consumer)
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
        self._source.start(self.actor, self.methods.produce(lambda: self.window.left))
        self.timers.start()
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
        missing = self._absences.look(lonely(self.connectors, self.settings.may_be_absent), time.monotonic())
        if missing:
            return missing
        if self.window.full:
            return f"{self.outboxes.roots} events are unfinished"
        return self.why_not_getting_on()

    def _look(self) -> None:
        """Look at what is only told when it has lasted: how long events are consumed, and who is missing. What nobody
        waits for any more is taken back, though nothing else happens."""
        _ = self.oldest_consume_s
        self.schedule()
        self._absences.look(lonely(self.connectors, self.settings.may_be_absent), time.monotonic())

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
        waits = self.outboxes.roots or len(self.requests) or not self.timers.idle
        return self.receiver.idle and not waits and all(connector.sender.idle for connector in self.all_connectors)

    def drain(self) -> None:
        """Take nothing new: the actor closes its listeners, sources and timers end, upstreams send elsewhere."""
        if self.draining:
            return
        log.info("draining")
        self.draining = True
        self.window.close()
        self.timers.drain()
        self.methods.of("drain")()
        self.receiver.drain()
        for connector in self.all_connectors:
            connector.sender.draining = True
        if self.consumer is not None:
            self.consumer.drain()
        self.schedule()

    def finish(self, timeout_s: float) -> bool:
        """Wait until all is finished, at most `timeout_s` seconds; then stop. Returns whether nothing was left."""
        self.drain()
        self._drain.wait(timeout_s)
        self.requests.draining = True
        if not (clean := self.idle):
            log.warning(remainder(self))
        self.close()
        return clean

    def close(self) -> None:
        """Stop the workers, tear the actor down, close the sockets."""
        self._source.close()
        self.timers.stop()
        for handler in [handler for handler in self.actor.log.handlers if isinstance(handler, LogOutbox)]:
            self.actor.log.removeHandler(handler)
        if self.consumer is not None:
            self.consumer.stop()
        self.receiver.end("stopped")
        for timer in (self._acks, self._looks):
            timer.stop()
            timer.close()
        try:
            self.methods.of("teardown")()
        finally:
            if self._thread is not None:
                self._thread.close()
            self._flush()
            for connector in self.all_connectors:
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
        parent = current.get().parent_of(event)
        if parent is None:
            self.window.wait()
            self.send_new(event, outbox)
        else:
            self.send_for(event, outbox, parent)

    def send_new(self, event: Event, outbox: str | None) -> None:
        """Send an event that begins here."""
        self._source.send(event, self.outboxes.targets(outbox))

    def send_for(self, event: Event, outbox: str | None, parent: Event) -> None:
        """Send an event for one that is being consumed."""
        self.outboxes.emit(event, self.outboxes.targets(outbox), parent)
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

    async def ask(self, *_: object, **__: object) -> Event:
        raise TypeError("await self.ask(...) is for coroutines; in all else write self.request(...)")

    def hold(self, event: Event) -> Hold:
        return self.hold_in(event, current.get().session_of(event))

    def hold_in(self, event: Event, session: ReceiveSession | None) -> Hold:
        """Hold an event that came in a session."""
        consumer = self.consumer
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
        for connector in self.all_connectors:
            connector.flush()
        if self.listener is not None and self.receiver.has_news:
            if self.receiver.urgent:
                self.listener.flush()
                yield_to_io()
            elif not self._acks.active:
                self._acks.again(self._send_acks)
        if self._source.producing:
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

    def _give_up(self, keys: Sequence[bytes]) -> None:
        """Requests were withdrawn of which this instance may have sent something on."""
        for connector in self.all_connectors:
            connector.sender.give_up(keys)
        self.schedule()

    def _crash(self, exc: BaseException) -> None:
        self.crashed = exc
        self.ended.set()

    def _dead_letter(self, event: Event, failure: Failure, inbox: str) -> None:
        self._letters.keep(event, failure, inbox)
