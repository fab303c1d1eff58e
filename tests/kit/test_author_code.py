"""Which files of an author's folder go into an image, and which stay out."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from actorkit_kit.assets import asset
from actorkit_kit.author_code import survey
from actorkit_kit.errors import KitError
from tests.kit.conftest import Kit

ACTOR = """\
from actorkit import Actor, Event


class A(Actor):
    def consume(self, event: Event) -> Event:
        return event
"""
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"


def write(folder: Path, *names: str, text: str = "x = 1\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_nothing_secret_goes_into_an_image_and_the_reason_is_told(tmp_path: Path) -> None:
    code = tmp_path / "code"
    write(code, "act.py", "pkg/__init__.py", "secrets/users", ".env", ".ssh/id_rsa", "pkg/.hidden", "elsewhere/token")
    write(code, "deploy.pem", text=f"some words before\n{KEY}")
    write(code, ".git/HEAD", "__pycache__/act.pyc", "pkg/a.pyc")
    found = survey(code, [code / "secrets", code / "elsewhere" / "token"])
    assert list(found.files) == ["act.py", "pkg/__init__.py"]
    assert found.left_out == (
        (".env", "its name begins with a dot"),
        (".ssh", "its name begins with a dot"),
        ("deploy.pem", "a private key"),
        ("elsewhere/token", "a secret of the topology"),
        ("pkg/.hidden", "its name begins with a dot"),
        ("secrets", "a secret of the topology"),
    )


def test_links_are_followed_inside_of_the_folder_and_nowhere_else(tmp_path: Path) -> None:
    code = tmp_path / "code"
    write(code, "src/lib/__init__.py", "src/lib/deep/more.py")
    write(tmp_path, "passwd", "shared/__init__.py")
    (code / "lib").symlink_to("src/lib")
    (code / "one.py").symlink_to("src/lib/__init__.py")
    (code / "stolen").symlink_to("../passwd")
    (code / "shared").symlink_to(tmp_path / "shared")
    (code / "src" / "circle").symlink_to("..")
    (code / "gone").symlink_to("nowhere")
    found = survey(code)
    assert list(found.files) == [
        "lib/__init__.py",
        "lib/deep/more.py",
        "one.py",
        "src/lib/__init__.py",
        "src/lib/deep/more.py",
    ]
    assert found.left_out == (
        ("gone", 'a link to "nowhere", which is not there'),
        ("shared", f'a link to "{tmp_path}/shared", which is outside of the folder'),
        ("src/circle", "a link to a folder that it is in"),
        ("stolen", 'a link to "../passwd", which is outside of the folder'),
    )


def test_what_dockerignore_names_stays_out_without_a_word(tmp_path: Path) -> None:
    write(tmp_path, "act.py", "notes/todo.txt", "big/data.bin", "big/keep.bin", ".env")
    (tmp_path / "linked").symlink_to("big")
    write(tmp_path, ".dockerignore", text="# not in the image\nnotes\n.env\n*/data.bin\n!notes/never.txt\n")
    found = survey(tmp_path)
    assert list(found.files) == ["act.py", "big/keep.bin", "linked/keep.bin"]
    assert found.left_out == ()


@pytest.mark.parametrize("target", ["compose", "helm"])
def test_what_kit_rendered_beside_the_code_stays_out_of_it(kit: Kit, target: str, tmp_path: Path) -> None:
    write(tmp_path, "secrets/users", text="bob:pass\n")
    write(tmp_path, "act.py", text=ACTOR)
    write(
        tmp_path,
        "topology.yaml",
        text='name: t\nactors:\n  gen: {uses: generator}\n  a: {uses: "act:A", build: .}\n'
        "  auth: {uses: basic-auth, params: {users: {secret: users}}}\nconnections: [gen -> a -> auth]\nclear: true\n",
    )
    before = survey(tmp_path, [tmp_path / "secrets"]).files
    done = kit("render", target, "-o", "deploy/out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "deploy" / "out" / "secrets" / "users").exists()
    found = survey(tmp_path, [tmp_path / "secrets"])
    assert found.files == before
    assert found.left_out == (("deploy/out", "rendered by kit"), ("secrets", "a secret of the topology"))


def test_a_bundle_that_kit_wrote_beside_the_code_stays_out_of_it_and_other_archives_do_not(tmp_path: Path) -> None:
    write(tmp_path, "act.py")
    for file, first in (("t.tar", asset("charts") / "bundle" / "README.md"), ("data.tar", tmp_path / "act.py")):
        entry = tarfile.TarInfo(f"t/{first.name}")
        entry.size = first.stat().st_size
        with tarfile.open(tmp_path / file, "w") as tar, first.open("rb") as content:
            tar.addfile(entry, content)
    found = survey(tmp_path)
    assert list(found.files) == ["act.py", "data.tar"]
    assert found.left_out == (("t.tar", "a bundle of kit"),)


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r'none" is no folder\. "build" names the folder'):
        survey(tmp_path / "none")


def test_kit_validate_tells_what_stays_out_of_which_image(kit: Kit, tmp_path: Path) -> None:
    write(tmp_path, "secrets/web-users", text="bob:pass\n")
    write(tmp_path, "act.py", text=ACTOR)
    write(tmp_path, ".env", text="TOKEN=1\n")
    write(
        tmp_path,
        "topology.yaml",
        text='name: t\nactors:\n  gen: {uses: generator}\n  a: {uses: "act:A", build: .}\n'
        "  out: {uses: stdout}\nconnections: [gen -> a -> out]\nclear: true\n",
    )
    done = kit("validate", "topology.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert 'kit: ".env" stays out of the image of "a": its name begins with a dot\n' in done.stderr
    assert 'kit: "secrets" stays out of the image of "a": a secret of the topology\n' in done.stderr
