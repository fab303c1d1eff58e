from __future__ import annotations

import pytest

from actorkit_actors.catalogue import CATALOGUE
from actorkit_kit.classes.actor_class import ClassRequest, describe


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_actor_of_the_catalogue_tells_what_it_does_and_what_its_parameters_mean(name: str) -> None:
    description = describe(ClassRequest(CATALOGUE[name].class_path))
    assert description.error == ""
    found = description.actor_class
    assert found is not None
    assert found.summary.endswith(".")
    assert (found.consumes or found.produces) == (CATALOGUE[name].kind in ("actor", "dead-letters"))
    for parameter in found.parameters:
        assert parameter.description, f"{name}.{parameter.name}"
    for port in found.listens:
        assert found.parameter(port) is not None


def test_a_source_takes_no_events_and_a_worker_serves() -> None:
    classes = {
        name: describe(ClassRequest(CATALOGUE[name].class_path)).actor_class for name in ("generator", "mdp-worker")
    }
    generator, worker = classes["generator"], classes["mdp-worker"]
    assert generator is not None
    assert worker is not None
    assert (generator.consumes, generator.begins, generator.serves) == (False, True, False)
    assert (worker.begins, worker.serves, worker.uses_broker) == (True, True, True)
