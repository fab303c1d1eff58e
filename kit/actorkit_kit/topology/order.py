"""Orders in a graph: which nodes depend on each other, and what comes first.

Graphs come from what users write, so nothing here recurses: a ring of any length ends in an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter

#: node → the nodes that its edges lead to.
Graph = Mapping[str, Sequence[str]]


def components(graph: Graph) -> list[tuple[str, ...]]:
    """The strongly connected components (Tarjan 1972). A component stands behind all components that it leads to.

    Every node of a component is reached from every other; a component of one is no cycle.
    """
    numbers: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in graph:
        if start in numbers:
            continue
        # Each node on the way with the edges that are still to be followed.
        walk: list[tuple[str, Iterator[str]]] = []
        _enter(start, graph, numbers, low, stack, on_stack, walk)
        while walk:
            node, others = walk[-1]
            other = next(others, None)
            if other is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == numbers[node]:
                    found.append(_leave(node, stack, on_stack))
            elif other not in numbers:
                _enter(other, graph, numbers, low, stack, on_stack, walk)
            elif other in on_stack:
                low[node] = min(low[node], numbers[other])
    return found


def _enter(
    node: str,
    graph: Graph,
    numbers: dict[str, int],
    low: dict[str, int],
    stack: list[str],
    on_stack: set[str],
    walk: list[tuple[str, Iterator[str]]],
) -> None:
    numbers[node] = low[node] = len(numbers)
    stack.append(node)
    on_stack.add(node)
    walk.append((node, iter(graph[node])))


def _leave(root: str, stack: list[str], on_stack: set[str]) -> tuple[str, ...]:
    """Take the component of `root` from the stack; its members stand in the order in which they were met."""
    members: list[str] = []
    while not members or members[-1] != root:
        members.append(stack.pop())
    on_stack.difference_update(members)
    return tuple(reversed(members))


def without_cycles(graph: Graph, fronts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The graph without the edges that lead back to where a walk came from; walks begin at `fronts`, then anywhere."""
    kept: dict[str, dict[str, None]] = {node: {} for node in graph}
    walking: set[str] = set()
    done: set[str] = set()
    for start in (*fronts, *graph):
        if start in done:
            continue
        walking.add(start)
        walk = [(start, iter(graph[start]))]
        while walk:
            node, others = walk[-1]
            for other in others:
                if other in walking:
                    continue
                kept[node][other] = None
                if other not in done:
                    walking.add(other)
                    walk.append((other, iter(graph[other])))
                    break
            else:
                walk.pop()
                walking.discard(node)
                done.add(node)
    return {node: tuple(others) for node, others in kept.items()}


def reachable(graph: Graph, starts: Iterable[str]) -> set[str]:
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
    """The nodes of a graph without cycles in groups: first the nodes that no edge leads to, then the nodes that
    only those lead to, and so on.

    Raises:
        graphlib.CycleError: the graph has a cycle.
    """
    sources: dict[str, list[str]] = {node: [] for node in graph}
    for node, others in graph.items():
        for other in others:
            sources[other].append(node)
    position = {node: number for number, node in enumerate(graph)}
    sorter = TopologicalSorter(sources)
    sorter.prepare()
    found = []
    while sorter.is_active():
        wave = tuple(sorted(sorter.get_ready(), key=position.__getitem__))
        sorter.done(*wave)
        found.append(wave)
    return found
