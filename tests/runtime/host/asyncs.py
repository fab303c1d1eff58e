"""Actors with coroutines, for tests that run them as processes or in a Director."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from actorkit import Actor, Event, Held, JSONEvent, MalformedEvent, every


class Count(Actor):
    """Makes numbers, with a wait before each tenth."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        count: int = 100

    params: Params

    async def produce(self) -> AsyncIterator[Event]:
        for number in range(self.params.count):
            if number % 10 == 0:
                await asyncio.sleep(0.001)
            yield JSONEvent({"number": number})
        await asyncio.sleep(600)


class Ask(Actor):
    """Asks a server of lines what it says to each number, over one connection for each that is under way."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        port: int

    params: Params

    async def setup(self) -> None:
        self.free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        for _ in range(self.params.concurrency):
            self.free.put_nowait(await asyncio.open_connection("localhost", self.params.port))
        self.log.info("%d connections", self.free.qsize())

    async def consume(self, event: JSONEvent) -> Event:
        reader, writer = await self.free.get()
        try:
            writer.write(f"{event.data['number']}\n".encode())
            await writer.drain()
            answer = await reader.readline()
        finally:
            self.free.put_nowait((reader, writer))
        if answer == b"no\n":
            raise MalformedEvent("the server does not want it")
        return event.replace({"number": int(answer)})

    async def teardown(self) -> None:
        while not self.free.empty():
            _, writer = self.free.get_nowait()
            writer.close()
            await writer.wait_closed()


class Server(Actor):
    """The server: answers each line with it; with `no` where it is asked for that."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        file: str
        refuse: int = -1

    params: Params

    async def setup(self) -> None:
        self.most = self.now = 0
        self.server = await asyncio.start_server(self.serve, "localhost", 0)
        Path(self.params.file).write_text(str(self.server.sockets[0].getsockname()[1]))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.005)
            self.now -= 1
            writer.write(b"no\n" if int(line) == self.params.refuse else line)
            await writer.drain()

    async def teardown(self) -> None:
        Path(self.params.file).write_text(json.dumps({"most": self.most}))
        self.server.close()


class Say(Actor):
    """Makes one event, which says what to do."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        do: str

    params: Params

    async def produce(self) -> AsyncIterator[Event]:
        yield JSONEvent({"do": self.params.do})


class Works(Actor):
    """Does what its event says, in a coroutine."""

    OUTBOXES = ("aside", "service")
    ANSWERS = True

    async def setup(self) -> None:
        self.held: list[tuple[Held, Event]] = []
        self.ended: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def consume(self, event: JSONEvent) -> Event | list[Event] | None:
        result: Event | list[Event] | None = await getattr(self, event.data["do"])(event)
        return result

    async def name_of_thread(self, event: JSONEvent) -> Event:
        running = asyncio.get_running_loop().is_running()
        return event.replace([running, await asyncio.to_thread(lambda: 7), event.trace])

    async def send_some(self, event: JSONEvent) -> Event:
        self.send(event.replace("first"), "aside")
        await asyncio.sleep(0)
        self.send(JSONEvent("second"), "aside")
        return event.replace("third")

    async def send_nowhere(self, event: JSONEvent) -> None:
        self.send(event, "nowhere")

    async def send_what_cannot_be_sent(self, event: JSONEvent) -> None:
        self.send(event.replace(object()), "aside")

    async def ask_service(self, event: JSONEvent) -> Event:
        answer = await self.ask(event.replace(event.data["with"]), "service", timeout_s=event.data.get("within_s", 5))
        return event.replace(["heard", answer.data])

    async def block(self, event: JSONEvent) -> Event:
        return self.request(event, "service", timeout_s=5)

    async def hold_it(self, event: JSONEvent) -> None:
        self.held.append((self.hold(event), event))

    async def let_go(self, event: JSONEvent) -> Event:
        for held, one in self.held:
            held.complete(one.replace("let go"))
        self.held.clear()
        return event.replace("done")

    async def let_fail(self, event: JSONEvent) -> Event:
        for held, _ in self.held:
            held.fail(MalformedEvent("held in vain"))
        self.held.clear()
        return event.replace("done")

    async def wait(self, event: JSONEvent) -> None:
        try:
            await asyncio.sleep(600)
        finally:
            self.ended.append("cancelled")

    async def how_it_ended(self, event: JSONEvent) -> Event:
        return event.replace(list(self.ended))

    async def cancel_itself(self, event: JSONEvent) -> None:
        task = asyncio.create_task(asyncio.sleep(600))
        task.cancel()
        await task

    async def leave(self, event: JSONEvent) -> None:
        sys.exit(3)

    async def stand_still(self, event: JSONEvent) -> None:
        while True:
            pass

    async def send_later(self, event: JSONEvent) -> Event:
        async def later() -> None:
            await asyncio.sleep(0.05)
            self.send(JSONEvent("later"), "aside")

        self.tasks.append(asyncio.create_task(later()))
        return event.replace("sooner")

    async def start_thread(self, event: JSONEvent) -> Event:
        loop, future = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

        def run() -> None:
            time.sleep(0.01)
            loop.call_soon_threadsafe(future.set_result, "from a thread")

        threading.Thread(target=run).start()
        return event.replace(await future)


class Yields(Actor):
    """Makes several of one."""

    async def consume(self, event: JSONEvent) -> AsyncIterator[Event]:
        for number in range(event.data):
            await asyncio.sleep(0)
            yield event.replace(number)


class Ticks(Actor):
    """Counts its ticks, and never two at a time; sends each."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        interval_s: float = 0.01

    params: Params

    def setup(self) -> None:
        self.at_work = 0

    @every("interval_s")
    async def tick(self) -> None:
        self.at_work += 1
        await asyncio.sleep(0.03)
        self.send(JSONEvent({"at work": self.at_work}))
        self.at_work -= 1
