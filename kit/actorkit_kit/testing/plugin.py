"""pytest's plugin: finds tests in `*_test.yaml` and in `topology.yaml`, and runs them.

What it needs of the kit is imported when there is such a file: pytest imports this module wherever actorkit is
installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from actorkit_kit.testing.run import Run
    from actorkit_kit.testing.suite import Suite
    from actorkit_kit.topology.case import Case

#: The file that a topology is in, where nothing else is said.
_TOPOLOGY: Final = "topology.yaml"
_ENDINGS: Final = (".yaml", ".yml")
DEPTHS: Final = ("actor", "graph", "chaos")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, in names that no other plugin has."""
    group = parser.getgroup("actorkit", "tests of actorkit's topologies")
    group.addoption(
        "--kit-depth",
        choices=DEPTHS,
        default="graph",
        help="actor: each actor alone, without sockets; graph: with them; chaos: as processes, with kills in between",
    )
    group.addoption("--kit-update", action="store_true", help="write the golden answers anew")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The tests of a file: one that is named on the command line, `*_test.yaml`, or `topology.yaml` with tests."""
    if file_path.suffix not in _ENDINGS:
        return None
    named = file_path in _named_files(parent.config)
    if not (named or file_path.name == _TOPOLOGY or file_path.stem.endswith("_test")):
        return None
    from actorkit_kit.testing.suite import has_tests

    return SuiteFile.from_parent(parent, path=file_path) if named or has_tests(file_path) else None


def _named_files(config: pytest.Config) -> set[Path]:
    """The files that the command line names."""
    return {(config.invocation_params.dir / one.partition("::")[0]).resolve() for one in config.args}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what still runs."""
    _runs(session.config).close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which golden answers were written."""
    for file in dict.fromkeys(_runs(config).written):
        terminalreporter.write_line(f"wrote {file}")


_RUNS: Final = pytest.StashKey["Runs"]()


def _runs(config: pytest.Config) -> Runs:
    if _RUNS not in config.stash:
        config.stash[_RUNS] = Runs(config)
    return config.stash[_RUNS]


class Runs:
    """Keeps the run of the last test, as long as the next one can have it as well."""

    def __init__(self, config: pytest.Config) -> None:
        self._depth: str = config.getoption("--kit-depth")
        self._run: Run | None = None
        self._suite: Suite | None = None
        #: Golden answers that were written.
        self.written: list[Path] = []

    def run_for(self, suite: Suite, case: Case) -> Run:
        """The run of a test, started where there is none.

        Raises:
            KitError: it does not start.
        """
        from actorkit_kit.testing.cast import group_of
        from actorkit_kit.testing.run import Run

        group = group_of(suite.wiring.plan, case)
        if self._run is None or self._run.is_spoilt or self._suite is not suite or self._run.group != group:
            self.close()
            cases = [one for one in suite.cases if group_of(suite.wiring.plan, one) == group]
            self._run, self._suite = Run(suite.wiring, group, cases, self._depth), suite
        return self._run

    def close(self) -> None:
        """End it."""
        if self._run is not None:
            self._run.close()
        self._run = self._suite = None


class SuiteFile(pytest.File):
    """A file with tests."""

    def collect(self) -> Iterator[CaseItem]:
        """Its tests; those that one run is enough for come one after the other.

        Raises:
            CollectError: the file, or its topology, has mistakes.
        """
        from actorkit_kit.errors import KitError
        from actorkit_kit.testing.cast import group_of
        from actorkit_kit.testing.suite import load_suite

        try:
            suite = load_suite(str(self.path))
        except KitError as exc:
            raise self.CollectError(str(exc)) from exc
        groups = list(dict.fromkeys(group_of(suite.wiring.plan, case) for case in suite.cases))
        for case in sorted(suite.cases, key=lambda case: groups.index(group_of(suite.wiring.plan, case))):
            yield CaseItem.from_parent(self, name=case.name, suite=suite, case=case)


class CaseFailed(Exception):
    """Raised when expectations do not hold; the message says which."""


class CaseItem(pytest.Item):
    """One test."""

    def __init__(self, *, suite: Suite, case: Case, **options: Any) -> None:
        super().__init__(**options)
        self._suite = suite
        self._case = case

    def runtest(self) -> None:
        """Play it, and compare what came with what was expected.

        Raises:
            CaseFailed: it is something else.
        """
        from actorkit_kit.errors import KitError
        from actorkit_kit.testing.evidence import complaints
        from actorkit_kit.testing.golden import update
        from actorkit_kit.testing.run import BeyondDepth

        depth = self.config.getoption("--kit-depth")
        if depth == "actor" and self._case.depth == "graph":
            pytest.skip("it says depth: graph")
        runs = _runs(self.config)
        run = None
        try:
            run = runs.run_for(self._suite, self._case)
            for victim in run.victims(self._case):
                evidence = run.perform(self._case, victim)
                if self.config.getoption("--kit-update"):
                    runs.written += update(self._suite.wiring, self._case, evidence)
                if wrong := complaints(self._suite.wiring, self._case, evidence):
                    break
        except BeyondDepth as exc:
            pytest.skip(str(exc))
        except KitError as exc:
            self._tell(run)
            runs.close()
            raise CaseFailed(f"{self._suite.place(self._case.location)}: {exc}") from exc
        if wrong:
            self._tell(run)
            while_killed = f"{victim} was killed: " if victim else ""
            told = [f"{self._suite.place(one.location)}: {while_killed}{one.text}" for one in wrong]
            raise CaseFailed("\n".join(told))

    def _tell(self, run: Run | None) -> None:
        """Show what the actors wrote."""
        if run is not None and (lines := run.lines):
            self.add_report_section("call", "actors", "\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What does not hold; where it is something else, the traceback."""
        return str(excinfo.value) if isinstance(excinfo.value, CaseFailed) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands."""
        line, _ = self._suite.document.place(self._case.location, key=True)
        return self.path, max(line - 1, 0), self.name
