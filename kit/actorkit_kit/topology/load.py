"""Loading: from what stands on the command line, `topology.yaml` or `app.py:director`, to a checked topology."""

from __future__ import annotations

from pathlib import Path

from actorkit_kit.classes.describe import InspectRequest
from actorkit_kit.classes.lookup import inspect_code
from actorkit_kit.errors import UsageError
from actorkit_kit.files import is_file, is_folder
from actorkit_kit.topology.check import Checked, check
from actorkit_kit.topology.document import Document, parse
from actorkit_kit.topology.findings import InvalidTopology
from actorkit_kit.topology.model import ON_NETWORKS

#: The file that a folder stands for.
DEFAULT_FILE = "topology.yaml"


def load_document(reference: str) -> Document:
    """Read a topology file (or the folder that it is in), or ask a Director for its topology.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        KitError: the Director's program did not end.
    """
    name, _, director = reference.partition(":")
    path = Path(name)
    if is_folder(path):
        path = path / DEFAULT_FILE
    if not is_file(path):
        raise UsageError(f'there is no file "{path}". Name a topology file, its folder, or app.py:director.')
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        # Actors get paths in JSON, which holds nothing else.
        raise UsageError(f'the name of the file "{path}" or of a folder of it is not UTF-8 text. Rename it.') from None
    if path.suffix == ".py" or director:
        return _from_director(path, director or "director")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise UsageError(f'the file "{path}" cannot be read: {exc.strerror}') from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f'the file "{path}" is not UTF-8 text. Save it as UTF-8.') from exc
    return parse(text, str(path), path.parent.resolve())


def _from_director(path: Path, director: str) -> Document:
    label = f"{path}:{director}"
    reply = inspect_code(InspectRequest(program=str(path.resolve()), director=director), path.parent.resolve())
    if reply.document is None:
        raise UsageError(f"{label}: {reply.error}")
    mistakes = tuple((location, (0, 0), message) for location, message in reply.mistakes)
    return Document(
        label,
        Path(reply.base).resolve(),
        reply.document,
        mistakes=mistakes,
        unreadable=frozenset(location for location, _ in reply.mistakes),
    )


def load_checked(reference: str, target: str = "", *, network: bool | None = None) -> Checked:
    """A topology without mistakes, with the values of a target; `network`: whether other machines may be between its
    instances; None: as in the target.

    Raises:
        InvalidTopology: it has some; all of them are in it.
        UsageError: there is none.
    """
    on_networks = target in ON_NETWORKS if network is None else network
    checked = check(load_document(reference), target)
    findings = (*checked.findings, *(checked.on_networks if on_networks else ()))
    if findings:
        raise InvalidTopology(findings)
    return checked
