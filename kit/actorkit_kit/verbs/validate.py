"""`kit validate`: every mistake in a topology, at once."""

from __future__ import annotations

from pathlib import Path

import typer

from actorkit_kit.author_code import survey
from actorkit_kit.console import Output, note, result, result_json
from actorkit_kit.plan.model import Plan
from actorkit_kit.plan.planner import make_plan
from actorkit_kit.testing.suite import is_test_file, load_suite, mistakes_in_tests
from actorkit_kit.topology.check import check, check_all
from actorkit_kit.topology.load import load_document
from actorkit_kit.verbs.options import IMAGES_TARGET, OutputOption, TopologyArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command()
    def validate(topology: TopologyArgument, output: OutputOption = Output.TEXT) -> None:
        """Find every mistake in a topology, or in a file *_test.yaml with tests of one.

        One line each: file:line:column: path: what is wrong; what to do. Nothing is started, nothing is fetched.
        Targets that have values of their own are all checked. Exit status 0 when there is none, 2 otherwise.

        Example: kit validate examples/orders/topology.yaml
        """
        document = load_document(topology)
        is_tests = is_test_file(Path(topology))
        findings = mistakes_in_tests(topology) if is_tests else check_all(document)
        if output is Output.JSON:
            result_json([finding.as_json() for finding in findings])
        else:
            for finding in findings:
                result(str(finding))
        if findings:
            raise typer.Exit(2)
        if output is Output.TEXT and is_tests:
            result(f"{topology}: no mistakes: {len(load_suite(topology).cases)} tests")
        elif output is Output.TEXT:
            checked = check(document, IMAGES_TARGET)
            found = checked.topology
            _tell_what_stays_out(make_plan(checked))
            actors = sum(node.kind == "actor" for node in found.actors.values())
            tests = f", {len(checked.tests)} tests" if checked.tests else ""
            result(f"{topology}: no mistakes: {actors} actors, {len(found.connections)} connections{tests}")


def _tell_what_stays_out(plan: Plan) -> None:
    """Tell which files of the authors' folders no image will have, and why."""
    for unit in plan.units:
        if unit.image.build is not None:
            for name, reason in survey(unit.image.build, plan.secret_files).left_out:
                note(f'kit: "{name}" stays out of the image of "{unit.name}": {reason}')
