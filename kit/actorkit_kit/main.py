"""The `kit` command.

Exit statuses: 0 done; 1 it could not be done; 2 wrong usage, or a topology with mistakes; 3 a bug in kit; 130 ^C.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import traceback
from typing import Annotated, Final

import typer

import actorkit
from actorkit_kit.errors import KitError
from actorkit_kit.topology.findings import InvalidTopology

#: Modules of the verbs, in the order in which help shows them.
VERBS: Final = (
    "new",
    "validate",
    "test",
    "graph",
    "actors",
    "try_",
    "schema",
    "keys",
    "run",
    "dev",
    "chaos",
    "top",
    "tap",
    "send",
    "trace",
    "call",
    "services",
    "dlq",
    "render",
    "lock",
    "build",
    "push",
    "bundle",
    "plan",
    "deploy",
    "history",
    "rollback",
    "status",
    "ui",
    "logs",
    "scale",
    "down",
)

#: Exit status for a bug.
EX_BUG: Final = 3
#: Exit status after ^C: 128 + SIGINT.
EX_INTERRUPTED: Final = 130


def make_app() -> typer.Typer:
    """The command with all of its verbs."""
    app = typer.Typer(
        name="kit",
        help="Turns a topology of actors into local processes, a Compose file or a Helm chart.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Write the version and stop.", callback=_version, is_eager=True)
        ] = False,
    ) -> None:
        """Turns a topology of actors into local processes, a Compose file or a Helm chart."""

    for verb in VERBS:
        importlib.import_module(f"actorkit_kit.verbs.{verb}").register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kit {actorkit.__version__}")
        raise typer.Exit


def run() -> None:
    """Run the command and end the process with its exit status."""
    try:
        make_app()(prog_name="kit")
    except KitError as exc:
        typer.echo(str(exc) if isinstance(exc, InvalidTopology) else f"kit: {exc}", err=True)
        sys.exit(exc.status)
    except KeyboardInterrupt:
        sys.exit(EX_INTERRUPTED)
    except Exception as exc:  # noqa: BLE001 - the last line of defence: a bug is told, and its traceback kept
        _report_bug(exc)
        sys.exit(EX_BUG)


def _report_bug(exc: Exception) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="kit-bug-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(exc)))
    typer.echo(f"kit: this is a bug in kit: {type(exc).__name__}: {exc}. The traceback is in {file.name}.", err=True)


if __name__ == "__main__":
    run()
