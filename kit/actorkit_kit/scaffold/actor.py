"""A new actor of the author's own in a topology that is there: its class, its test, its entry, its connections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from actorkit_kit.classes.known import entry_of
from actorkit_kit.errors import KitError, UsageError
from actorkit_kit.scaffold import templates, words
from actorkit_kit.scaffold.insertion import Insertion
from actorkit_kit.topology.check import check
from actorkit_kit.topology.document import Document, parse
from actorkit_kit.topology.findings import Finding, InvalidTopology, suggest
from actorkit_kit.topology.load import load_document


@dataclass(frozen=True)
class NewActor:
    """What was written: new files, and the topology, which is changed, with its mistakes."""

    files: list[Path]
    topology: Path
    findings: tuple[Finding, ...]


def new_actor(name: str, takes: str, after: str, reference: str) -> NewActor:
    """Write an actor into a topology. Its code goes where other code of the author's is.

    Raises:
        UsageError: the topology cannot be read, is no file of YAML, or the actor cannot be put there.
        KitError: a file cannot be written.
    """
    words.check_name(name)
    if takes not in templates.actor_kinds():
        raise UsageError(f'no template takes "{takes}". {suggest(takes, templates.actor_kinds())}')
    document = load_document(reference)
    path = Path(document.label)
    if path.suffix == ".py" or ":" in document.label:
        raise UsageError(f'"{document.label}" is a program. Add the actor there: register_actor("{name}", …).')
    if document.mistakes or not isinstance(document.data, dict):
        raise InvalidTopology(check(document).findings)
    build, package = _code_of(document)
    module = words.module_name(name)
    insertion = Insertion(path.read_text(encoding="utf-8"), name)
    insertion.put_actor({"uses": f'"{package}.{module}:{words.class_name(name)}"', "build": build})
    if after:
        insertion.put_after(after)
    given = {"actor": name, "package": package, "module": module, "class_name": words.class_name(name)}
    files = templates.write(path.parent, _new_files(document.base, build, takes, given))
    text = insertion.text()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise KitError(f'"{path}" cannot be written: {exc.strerror}.') from exc
    return NewActor(files, path, check(parse(text, document.label, document.base)).findings)


def _new_files(base: Path, build: str, takes: str, given: dict[str, str]) -> dict[str, str]:
    """Path → text: the code in the folder that goes into the image, the test beside the topology."""
    found = {f"{build}/{given['package']}/__init__.py": ""}
    for name, text in templates.fill_in(f"actor/{takes}", given).items():
        found[name if name.startswith("tests/") else f"{build}/{name}"] = text
    return {name: text for name, text in found.items() if text or not (base / name).exists()}


def _code_of(document: Document) -> tuple[str, str]:
    """The folder `build:` and the package of the first actor that has them; else the topology's folder and name."""
    actors = document.data.get("actors")
    for node in actors.values() if isinstance(actors, dict) else ():
        build, uses = (node.get("build"), node.get("uses")) if isinstance(node, dict) else (None, None)
        if isinstance(build, str) and isinstance(uses, str) and ":" in uses and entry_of(uses) is None:
            return build, uses.partition(":")[0].partition(".")[0]
    name = document.data.get("name")
    return ".", words.package_name(name if isinstance(name, str) else "")
