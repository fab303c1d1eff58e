"""The asyncio loop in its thread: what greenlets get from it, and that its helpers are as asyncio promises."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import gevent
import pytest

from actorkit.coroutines.thread import CoroutineThread, CoroutineTimeout
from tests.fleet import PYTHONPATH
from tests.until import until

#: Runs in a process that gevent has patched, as an actor's is.
PROGRAM = """
from gevent import monkey
monkey.patch_all()
import asyncio, concurrent.futures, queue, threading, time
from actorkit.coroutines.thread import CoroutineThread

async def serve():
    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()
    return await asyncio.start_server(echo, "localhost", 0)

async def ask(port):
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(b"hi\\n")
    line = await reader.readline()
    writer.close()
    return line

async def sleep_in_threads():
    begun = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.2) for _ in range(4)))
    return time.monotonic() - begun

async def thread_of_a_library():
    jobs, loop = queue.Queue(), asyncio.get_running_loop()
    done = loop.create_future()
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(done.set_result, jobs.get()))
    thread.start()
    await asyncio.sleep(0.01)
    jobs.put(7)
    return await done

async def executor_of_a_library():
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: 8)

async def selector():
    return type(asyncio.get_running_loop().selector.native).__module__

thread = CoroutineThread()
server = thread.run(serve)
port = server.sockets[0].getsockname()[1]
assert thread.run(lambda: ask(port)) == b"hi\\n"
assert thread.run(sleep_in_threads) < 0.6, "they sleep beside each other"
assert thread.run(thread_of_a_library) == 7
assert thread.run(executor_of_a_library) == 8
assert thread.run(selector) == "selectors", "the system's own"
thread.close()
print("all is well")
"""


@pytest.fixture
def thread() -> Iterator[CoroutineThread]:
    made = CoroutineThread()
    yield made
    made.close()


async def plus_one(number: int) -> int:
    return number + 1


async def fail() -> None:
    raise ValueError("no")


async def leave() -> None:
    raise SystemExit(3)


def test_asyncio_is_whole_in_a_process_that_gevent_has_patched() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={"PYTHONPATH": PYTHONPATH}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "all is well\n"), done.stderr


def test_a_greenlet_gets_what_a_coroutine_gives_or_raises(thread: CoroutineThread) -> None:
    assert thread.run(lambda: plus_one(1)) == 2
    with pytest.raises(ValueError, match="no"):
        thread.run(fail)
    with pytest.raises(SystemExit):
        thread.run(leave)
    assert thread.run(lambda: plus_one(2)) == 3, "the loop goes on"


def test_greenlets_go_on_while_one_waits_for_a_coroutine(thread: CoroutineThread) -> None:
    async def wait() -> None:
        await thread.loop.create_future()

    waiting = gevent.spawn(thread.run, wait)
    assert [thread.run(lambda n=n: plus_one(n)) for n in range(3)] == [1, 2, 3]  # type: ignore[misc]
    waiting.kill()


def test_a_coroutine_is_cancelled_when_its_time_is_over_or_its_greenlet_is_killed(thread: CoroutineThread) -> None:
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            await thread.loop.create_future()
        finally:
            ended.append(name)

    with pytest.raises(CoroutineTimeout):
        thread.run(lambda: wait("late"), 0.05)
    killed = gevent.spawn(thread.run, lambda: wait("killed"))
    gevent.sleep(0)
    thread.run(lambda: plus_one(1))  # The other one has begun as well.
    killed.kill()
    until(lambda: ended == ["late", "killed"], "both are cancelled")


def test_closing_cancels_what_is_left_and_gives_it_time_to_end(thread: CoroutineThread) -> None:
    ended: list[asyncio.Task[None]] = []

    async def linger() -> None:
        try:
            await thread.loop.create_future()
        finally:
            await asyncio.sleep(0.05)
            ended.append(task)

    async def begin() -> asyncio.Task[None]:
        made = thread.loop.create_task(linger())
        await asyncio.sleep(0)
        return made

    task = thread.run(begin)
    thread.close()
    assert ended == [task]


def test_a_loop_that_ends_by_itself_is_told_and_fails_what_waits() -> None:
    crashed: list[BaseException] = []
    thread = CoroutineThread(crashed.append)

    async def begin() -> None:
        thread.loop.create_task(leave())
        await thread.loop.create_future()

    with pytest.raises(SystemExit):
        thread.run(begin)
    until(lambda: [type(one) for one in crashed] == [SystemExit], "it is told")
    thread.close()


def test_calls_of_a_coroutine_come_in_their_order(thread: CoroutineThread) -> None:
    seen: list[int] = []

    async def post() -> None:
        for number in range(1000):
            thread.post(lambda number=number: seen.append(number))  # type: ignore[misc]

    thread.run(post)
    assert seen == list(range(1000))


def test_the_loop_counts_its_turns_until_it_stands_still(thread: CoroutineThread) -> None:
    turns = thread.beat(0.01)
    before = turns()
    until(lambda: turns() > before + 3, "it turns")
    thread.call_soon(lambda: time.sleep(0.2))
    gevent.sleep(0.05)
    before = turns()
    gevent.sleep(0.05)
    assert turns() == before
