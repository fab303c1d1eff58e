"""Orders in a graph: which nodes depend on each other, and what comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

#: node → the nodes that its edges lead to.
Graph = Mapping[str, Sequence[str]]


def components(graph: Graph) -> list[tuple[str, ...]]:
    """The strongly connected components, those that edges lead to first (Tarjan 1972).

    Every node of a component is reached from every other; a component of one is no cycle.
    """
    numbers: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(node: str) -> None:
        numbers[node] = low[node] = len(numbers)
        stack.append(node)
        for other in graph[node]:
            if other not in numbers:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], numbers[other])
        if low[node] == numbers[node]:
            members = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            found.append(tuple(members))

    for node in graph:
        if node not in numbers:
            visit(node)
    return found


def without_cycles(graph: Graph, fronts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The graph without the edges that lead back to where a walk came from; walks begin at `fronts`, then anywhere."""
    kept: dict[str, list[str]] = {node: [] for node in graph}
    walking: set[str] = set()
    done: set[str] = set()

    def walk(node: str) -> None:
        walking.add(node)
        for other in graph[node]:
            if other in walking or other in kept[node]:
                continue
            kept[node].append(other)
            if other not in done:
                walk(other)
        walking.discard(node)
        done.add(node)

    for node in (*fronts, *graph):
        if node not in done:
            walk(node)
    return {node: tuple(others) for node, others in kept.items()}


def reached(graph: Graph, starts: Iterable[str]) -> set[str]:
    """Every node that a walk from the starts comes to, the starts too."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(graph[node])
    return found


def waves(graph: Graph) -> list[tuple[str, ...]]:
    """The nodes of a graph without cycles in groups: those that no edge leads to first, then what only they lead to."""
    left = dict(graph)
    found = []
    while left:
        led_to = {other for others in left.values() for other in others}
        wave = tuple(node for node in left if node not in led_to) or tuple(left)
        found.append(wave)
        left = {node: others for node, others in left.items() if node not in wave}
    return found
