"""Methods that are coroutines, or async generators."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, Final

#: Said where a coroutine shall consume in `threads`.
NO_THREADS: Final = "consume is a coroutine, which runs in no thread; `concurrency` is for it"


def is_async(method: object) -> bool:
    """Whether what a method gives has to be awaited or iterated in an asyncio loop."""
    return iscoroutinefunction(method) or isasyncgenfunction(method)


async def result_of(method: Callable[..., Any], *args: Any) -> object:
    """What a coroutine gives; of an async generator, all that it yields."""
    made = method(*args)
    return [one async for one in made] if hasattr(made, "__aiter__") else await made
