from __future__ import annotations

import graphlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorkit_kit.topology.order import components, reachable, waves, without_cycles

NODES = "abcdefg"
GRAPHS = st.fixed_dictionaries({node: st.lists(st.sampled_from(NODES), unique=True) for node in NODES})


@given(GRAPHS)
def test_two_nodes_are_in_one_component_just_when_each_is_reached_from_the_other(graph: dict[str, list[str]]) -> None:
    found = components(graph)
    assert sorted(node for component in found for node in component) == list(NODES)
    together = {node: component for component in found for node in component}
    for one in NODES:
        for other in NODES:
            mutual = other in reachable(graph, [one]) and one in reachable(graph, [other])
            assert (together[one] is together[other]) == mutual


@given(GRAPHS, st.lists(st.sampled_from(NODES), unique=True))
def test_a_graph_without_cycles_keeps_every_edge_between_components(
    graph: dict[str, list[str]], fronts: list[str]
) -> None:
    open_graph = without_cycles(graph, fronts)
    graphlib.TopologicalSorter(open_graph).prepare()
    together = {node: component for component in components(graph) for node in component}
    for node, others in graph.items():
        assert set(open_graph[node]) <= set(others)
        assert {other for other in others if together[other] is not together[node]} <= set(open_graph[node])


@given(GRAPHS)
def test_every_edge_leads_from_an_earlier_wave_to_a_later_one(graph: dict[str, list[str]]) -> None:
    open_graph = without_cycles(graph, ())
    numbers = {node: number for number, wave in enumerate(waves(open_graph)) for node in wave}
    assert all(numbers[node] < numbers[other] for node, others in open_graph.items() for other in others)


def test_a_circle_is_opened_where_its_front_closes_it() -> None:
    circle = {"to-ack": ["web"], "web": ["auth"], "auth": ["to-ack", "web"]}
    assert without_cycles(circle, ["web"]) == {"web": ("auth",), "auth": ("to-ack",), "to-ack": ()}


@pytest.mark.parametrize("length", [1_500, 50_000])
def test_neither_a_long_chain_nor_a_long_ring_exhausts_the_stack(length: int) -> None:
    chain = {str(n): [str(n + 1)] for n in range(length)} | {str(length): []}
    assert len(components(chain)) == length + 1
    assert len(waves(without_cycles(chain, ()))) == length + 1
    ring = {**chain, str(length): ["0"]}
    assert [len(component) for component in components(ring)] == [length + 1]
    assert waves(without_cycles(ring, ["7"]))[0] == ("7",)


@given(st.integers(1, 30), st.integers(1, 400), st.integers(0, 1000))
def test_rings_that_hang_on_one_another_are_a_component_each(rings: int, length: int, seed: int) -> None:
    dice = random.Random(seed)
    nodes = [(ring, n) for ring in range(rings) for n in range(length)]
    graph = {f"{ring}.{n}": [f"{ring}.{(n + 1) % length}"] for ring, n in nodes}
    for ring in range(1, rings):
        graph[f"{ring - 1}.{dice.randrange(length)}"].append(f"{ring}.{dice.randrange(length)}")
    shuffled = {node: graph[node] for node in dice.sample(list(graph), len(graph))}
    found = components(shuffled)
    assert [len(component) for component in found] == [length] * rings
    assert [component[0].partition(".")[0] for component in found] == [str(ring) for ring in reversed(range(rings))]
