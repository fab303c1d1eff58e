"""What the folder `build:` asks for in its requirements.txt and pyproject.toml, and which lines no image can satisfy.

The image that builds has pip and no git, and sees the author's folder and nothing else of the author's machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorkit_kit.files import is_file, is_folder

#: The file that pip reads, and the one whose [project] names dependencies.
LIST: Final = "requirements.txt"
PROJECT: Final = "pyproject.toml"
_NESTED: Final = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*(\S.*)")
_EDITABLE: Final = re.compile(r"(?:-e|--editable)[ =]*(\S.*)")
_INDEX: Final = re.compile(r"-i|-f|--(?:index-url|extra-index-url|no-index|find-links|trusted-host)\b")
_VERSION_CONTROL: Final = re.compile(r"(?:[\w.\[\],-]+ *@ *)?(?:git|hg|svn|bzr)\+", re.IGNORECASE)
#: What a URL brings for logging in: `user:password@`, or a token alone. Variables, as `${TOKEN}`, are none.
_LOGIN: Final = re.compile(r"[a-z][a-z0-9+.]*://(?:[^/\s@]*:)?[^/\s@$]+@", re.IGNORECASE)
_LOGIN_TODO: Final = "a password or token in a file that goes into the image. Take it out."
_PATH: Final = re.compile(r"(?:[\w.\[\],-]+ *@ *)?(file:\S+|\.{0,2}/\S*|\.{1,2})(?=\s|$)")


#: How the name of a package begins, and with it each requirement (PEP 508).
_NAME: Final = re.compile("[A-Za-z0-9]")
_NO_REQUIREMENT: Final = "this is no requirement. Write NAME, NAME>=1,<2 or NAME @ URL."


@dataclass(frozen=True)
class Line:
    """A line of a file with requirements, continuations joined; `number` counts from 1."""

    file: Path
    number: int
    text: str


def lines(folder: Path) -> Iterator[Line]:
    """Every line that asks for something: of requirements.txt, and of the files in the folder that it names."""
    root = folder.resolve()
    pending, seen = [folder / LIST], set()
    while pending:
        file = pending.pop(0)
        if file in seen or not is_file(file):
            continue
        seen.add(file)
        for line in _read(file):
            yield line
            nested = _NESTED.match(line.text)
            named = file.parent / _unquote(nested[1]) if nested else None
            if named is not None and named.resolve().is_relative_to(root):
                pending.append(named)


def digest(folder: Path) -> str:
    """A hash of all that the folder asks for; comments and empty lines do not count."""
    asked: dict[str, Any] = {"lines": [[line.file.name, line.text] for line in lines(folder)]}
    project = folder / PROJECT
    if is_file(project):
        try:
            asked["project"] = _read_project(project).get("dependencies")
        except ValueError:
            asked["project"] = project.read_bytes().hex()
    return f"sha256:{hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()}"


def options(folder: Path) -> list[str]:
    """The lines that lead pip to other places than its own index."""
    return [line.text for line in lines(folder) if _INDEX.match(line.text)]


def mistakes(folder: Path) -> list[str]:
    """What no image can install, and what to write instead; each begins with the file and the line."""
    root = folder.resolve()
    found = []
    for line in lines(folder):
        message = _mistake(line, root)
        if message:
            name = line.file.relative_to(folder) if line.file.is_relative_to(folder) else line.file.name
            found.append(f'{name}:{line.number}: "{_hidden(line.text)}": {message}')
    project = folder / PROJECT
    return found + (_project_mistakes(project, root) if is_file(project) else [])


def _project_mistakes(file: Path, root: Path) -> list[str]:
    """What is wrong with the dependencies of a pyproject.toml; each begins with the file, and the line where one is."""
    written = file.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [
        f'{PROJECT}:{number}: "{_hidden(text.strip())}": {_LOGIN_TODO}'
        for number, text in enumerate(written, 1)
        if _LOGIN.search(text) and not _VERSION_CONTROL.search(text)
    ]
    try:
        project = _read_project(file)
    except ValueError as exc:
        return [f"{PROJECT}: {exc}", *found]
    if "dependencies" in project.get("dynamic", ()) and not is_file(file.with_name(LIST)):
        found.append(f"{PROJECT}: it computes its dependencies (dynamic). Write them there, or into a {LIST}.")
    for text in project.get("dependencies", ()):
        number = next((number for number, line in enumerate(written, 1) if text in line), 1)
        message = _mistake(Line(file, number, text), root) if _NAME.match(text) else _NO_REQUIREMENT
        if message and message != _LOGIN_TODO:
            found.append(f'{PROJECT}:{number}: "{_hidden(text)}": {message}')
    return found


def _read_project(file: Path) -> dict[str, Any]:
    """The table [project] of a pyproject.toml; its `dependencies` and `dynamic` are lists of texts, if there are any.

    Raises:
        ValueError: it is something else.
    """
    try:
        project: Any = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError(f"it is not TOML: {exc}") from exc
    if not isinstance(project, dict):
        raise ValueError(f'"project" is {_word(project)}. Write a table: [project].')
    for name in ("dependencies", "dynamic"):
        value = project.get(name, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise ValueError(f'"project.{name}" is {_word(value)}. Write a list of texts: {name} = ["…"].')
    return project


def _word(value: object) -> str:
    """What a value of TOML is, in a message."""
    words = {str: "a text", dict: "a table", list: "a list of something else", bool: "true or false"}
    return words.get(type(value), f"{value}")


def _mistake(line: Line, root: Path) -> str:
    """Why a line is of no use, and what to do; "" where it is."""
    editable = _EDITABLE.match(line.text)
    if _VERSION_CONTROL.match(editable[1] if editable else line.text):
        todo = "Name an archive: NAME @ https://HOST/OWNER/NAME/archive/COMMIT.tar.gz, or copy it into the folder"
        return f"the image that builds has no git. {todo}."
    if _LOGIN.search(line.text):
        return _LOGIN_TODO
    nested = _NESTED.match(line.text)
    if nested:
        return "" if "://" in nested[1] else _path_mistake(_unquote(nested[1]), line.file.parent, root)
    path = _PATH.match(editable[1] if editable else line.text)
    if path is None:
        return "an editable install has no place in an image. Leave -e out." if editable else ""
    # pip takes paths of requirements from its working folder, which is the author's, whatever file they stand in.
    mistake = _path_mistake(path[1], root, root)
    if not mistake and (root / path[1]).resolve() == root:
        return "the folder is in the image anyway, and pyproject.toml is read. Leave this line out."
    return mistake or ("an editable install has no place in an image. Leave -e out." if editable else "")


def _path_mistake(given: str, base: Path, root: Path) -> str:
    if given.startswith("file:"):
        return "a path on this machine, which the image does not have. Copy it into the folder and write ./PATH."
    path = (base / re.sub(r"\[[^\]]*\]$", "", given)).resolve()
    if not path.is_relative_to(root):
        return "it lies outside of the folder, so the image does not have it. Copy it into the folder."
    return "" if is_file(path) or is_folder(path) else "there is no such file or folder."


def _read(file: Path) -> Iterator[Line]:
    text, begun = "", 0
    for number, raw in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        begun = begun if text else number
        if raw.endswith("\\") and not raw.lstrip().startswith("#"):
            text += raw[:-1] + " "
            continue
        text = re.sub(r"(^|\s)#.*$", "", text + raw).strip()
        if text:
            yield Line(file, begun, re.sub(r"\s+", " ", text))
        text = ""
    if text.strip():
        yield Line(file, begun, text.strip())


def _unquote(text: str) -> str:
    return text.strip().strip("\"'")


def _hidden(text: str) -> str:
    """The line without a password, and short enough to be read."""
    text = _LOGIN.sub(lambda found: found[0].rpartition("//")[0] + "//…@", text)
    return text if len(text) <= 60 else f"{text[:59]}…"
