"""asyncio beside gevent: one loop in a native thread, for the coroutines of an actor."""
