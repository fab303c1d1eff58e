"""What a folder of code asks for: which lines no image can satisfy, and what counts as the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit import requirements


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder of code with a package beside it and one in it."""
    folder = tmp_path / "shop"
    (folder / "vendor" / "mylib").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    return folder


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("git+https://example.com/a.git@v1", "no git. Name an archive"),
        ("mylib @ git+ssh://git@example.com/a.git", "no git. Name an archive"),
        ("-e git+https://example.com/a.git#egg=a", "no git. Name an archive"),
        ("-e ./vendor/mylib", "Leave -e out"),
        ("-e .", "the folder is in the image anyway"),
        (".", "the folder is in the image anyway"),
        ("../other", "it lies outside of the folder"),
        ("other @ file:///home/me/other", "a path on this machine"),
        ("/home/me/other", "it lies outside of the folder"),
        ("./vendor/none", "there is no such file or folder"),
        ("-r ../requirements.txt", "it lies outside of the folder"),
        ("-r more.txt", "there is no such file or folder"),
        ("--constraint=limits.txt", "there is no such file or folder"),
        ("--index-url https://me:secret@example.com/simple", "a password"),
        ("--extra-index-url https://secret@example.com/simple", "a password or token"),
        ("six @ https://secret@example.com/six-1.16.0.tar.gz", "a password or token"),
    ],
)
def test_a_line_that_no_image_can_satisfy_is_told_with_its_number(code: Path, line: str, message: str) -> None:
    (code / "requirements.txt").write_text(f"# what we need\nsix\n{line}\n")
    (found,) = requirements.mistakes(code)
    assert found.startswith("requirements.txt:3: ")
    assert message in found
    assert "secret" not in found


@pytest.mark.parametrize(
    "line",
    [
        "tomli_w>=1,<2  # a comment",
        "./vendor/mylib",
        "mylib @ ./vendor/mylib",
        "six @ https://example.com/six-1.16.0.tar.gz",
        "--index-url https://${USER}:${TOKEN}@example.com/simple",
        "six==1.16.0 \\\n    --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
    ],
)
def test_what_an_image_can_install_is_no_mistake(code: Path, line: str) -> None:
    (code / "requirements.txt").write_text(f"{line}\n")
    assert requirements.mistakes(code) == []


def test_mistakes_in_files_that_are_named_are_found_there(code: Path) -> None:
    (code / "deps").mkdir()
    (code / "requirements.txt").write_text("-r deps/more.txt\n")
    (code / "deps" / "more.txt").write_text("six\n-r more.txt\n\n-e .\n")
    (found,) = requirements.mistakes(code)
    assert found.startswith('deps/more.txt:4: "-e .": ')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("project = 3\n", 'pyproject.toml: "project" is 3. Write a table'),
        ("project = ['shop']\n", 'pyproject.toml: "project" is a list of something else. Write a table'),
        ("[[project]]\nname = 'shop'\n", 'pyproject.toml: "project" is a list of something else. Write a table'),
        ("[project]\ndependencies = 'six'\n", 'pyproject.toml: "project.dependencies" is a text. Write a list'),
        ("[project]\ndependencies = [3]\n", '"project.dependencies" is a list of something else. Write a list'),
        ("[project.dependencies]\nsix = '1'\n", '"project.dependencies" is a table. Write a list'),
        ("[project]\ndynamic = true\n", '"project.dynamic" is true or false. Write a list'),
        ("[project]\ndynamic = ['dependencies']\n", "it computes its dependencies (dynamic)."),
        ("[project\n", "pyproject.toml: it is not TOML: "),
        ("x = " + "[" * 5000, "pyproject.toml: it is not TOML: "),
        ("[project]\n\ndependencies = ['a @ git+https://example.com/a']\n", "pyproject.toml:3: "),
        ("[project]\ndependencies = [\n '-e .',\n]\n", 'pyproject.toml:3: "-e .": this is no requirement.'),
        ("[project]\ndependencies = ['a @ file:///home/a']\n", "a path on this machine"),
    ],
)
def test_a_project_of_the_wrong_shape_is_a_mistake(code: Path, text: str, message: str) -> None:
    (code / "pyproject.toml").write_text(text)
    (found,) = requirements.mistakes(code)
    assert message in found
    assert requirements.digest(code) == requirements.digest(code)


@pytest.mark.parametrize(
    "text", ["", "[tool.ruff]\n", "[project]\nname = 'x'\n", "[project]\ndependencies = ['six>=1', 'a[b]==2']\n"]
)
def test_a_project_that_asks_for_nothing_wrong_is_no_mistake(code: Path, text: str) -> None:
    (code / "pyproject.toml").write_text(text)
    assert requirements.mistakes(code) == []


def test_a_token_in_a_dependency_of_a_project_is_told(code: Path) -> None:
    dependency = "six @ https://secret@example.com/six.tar.gz"
    (code / "pyproject.toml").write_text(f'[project]\nname = "shop"\ndependencies = ["{dependency}"]\n')
    (found,) = requirements.mistakes(code)
    assert found.startswith("pyproject.toml:3: ")
    assert "secret" not in found


def test_a_digest_follows_from_what_is_asked_for(code: Path) -> None:
    (code / "requirements.txt").write_text("six\n-c limits.txt\n")
    (code / "limits.txt").write_text("six<2\n")
    before = requirements.digest(code)
    (code / "requirements.txt").write_text("# one\n\nsix   # and no more\n-c limits.txt\n")
    assert requirements.digest(code) == before
    (code / "limits.txt").write_text("six<3\n")
    with_limits = requirements.digest(code)
    assert with_limits != before
    (code / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    named = requirements.digest(code)
    (code / "pyproject.toml").write_text('[project]\nname = "shop"\ndependencies = ["tomli_w"]\n')
    assert requirements.digest(code) != named
    (code / "pyproject.toml").write_text(f"a = {'[' * 50_000}\n")
    nonsense = requirements.digest(code)
    assert nonsense not in (before, with_limits, named)
