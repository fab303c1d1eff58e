"""Images: what goes into them and when they are built anew; with an engine, what is in them."""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from docker import DockerClient

from actorkit_kit import assets, python_process
from actorkit_kit.deploy.engine import connect
from actorkit_kit.errors import KitError
from actorkit_kit.image import build, changes
from actorkit_kit.plan.model import Image, Plan, Unit
from tests import needs
from tests.kit.image.quiet import Quiet
from tests.kit.render.goldens import orders
from tests.places import ORDERS

#: Largest image, in bytes (promise 6 of the design).
LARGEST_BYTES = 150_000_000


def plan_of(*units: Unit) -> Plan:
    return Plan("shop", "0.1.0", "", Path(), units)


def tag_of(plan: Plan, repository: str) -> str:
    """The tag that follows from the content of an image."""
    return next(recipe.tag for recipe in build.recipes(plan) if recipe.repository == repository)


def unit(name: str, image: Image) -> Unit:
    return Unit(name, "actor", name, "shop.actors:Place", image)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The code of an author, with what is no part of it."""
    folder = tmp_path / "shop"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "actors.py").write_text("")
    (folder / "notes").mkdir()
    (folder / "notes" / "todo.txt").write_text("")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("")
    (folder / ".dockerignore").write_text("# not in the image\nnotes\n")
    return folder


def test_each_image_is_built_once_and_the_runtime_first() -> None:
    tags = [recipe.tag for recipe in build.recipes(orders())]
    assert tags[0].startswith("actorkit/runtime:0.1.0-")
    assert len(tags) == len(set(tags))
    assert set(tags) >= {unit.image.tag for unit in build.identify(orders()).units}


def test_a_tag_follows_from_what_goes_in_and_needs_no_engine(code: Path) -> None:
    plan = plan_of(
        unit("execute", Image("shop/execute:0.1.0", "xml", code)), unit("split", Image("actorkit/xslt:0.1.0"))
    )
    execute, split = (unit.image.tag for unit in build.identify(plan).units)
    assert re.fullmatch("shop/execute:[0-9a-f]{12}", execute)
    assert re.fullmatch(r"actorkit/xslt:0\.1\.0-[0-9a-f]{12}", split)
    assert build.identify(build.identify(plan)) == build.identify(plan)
    (code / "requirements.txt").write_text("msgspec\n")
    changed = [unit.image.tag for unit in build.identify(plan).units]
    assert changed[0] != execute
    assert changed[1] == split


def test_a_build_says_what_changed(code: Path, tmp_path: Path) -> None:
    plan = plan_of(unit("execute", Image("shop/execute:0.1.0", "xml", code)))
    record = tmp_path / ".kit" / "shop" / "images.json"

    def told() -> str:
        wanted = build.recipes(plan)
        lines = changes.lines(changes.read_record(record), wanted)
        changes.write_record(record, wanted)
        return "; ".join(line.partition(" → ")[0] for line in lines)

    assert told() == "actorkit/runtime: is new; execute: is new"
    assert told() == "unchanged: actorkit/runtime, execute"
    (code / "shop" / "actors.py").write_text("changed = True\n")
    (code / "requirements.txt").write_text("msgspec\n")
    assert told() == "execute: requirements.txt is new, shop/actors.py changed; unchanged: actorkit/runtime"
    (code / "requirements.txt").unlink()
    for name in "abc":
        (code / f"{name}.py").write_text("")
    assert told() == "execute: 4 files changed; unchanged: actorkit/runtime"
    record.write_text("no json")
    assert told() == "actorkit/runtime: is new; execute: is new"


def test_a_context_holds_the_code_and_nothing_that_tools_leave_behind(code: Path) -> None:
    *_, recipe = build.recipes(plan_of(unit("execute", Image("shop/execute:0.1.0", build=code))))
    assert "code/shop/actors.py" in recipe.context
    assert "code/notes/todo.txt" not in recipe.context
    assert not [name for name in recipe.context if "__pycache__" in name or ".git/" in name]
    assert {"Dockerfile", "pyproject.toml", "runtime/actorkit/__init__.py"} <= set(recipe.context)
    with tarfile.open(fileobj=build.archive(recipe)) as tar:
        assert sorted(tar.getnames()) == sorted(recipe.context)


def test_a_stock_actors_image_holds_its_field_and_an_authors_every_field(code: Path) -> None:
    def fields(made: Unit) -> set[str]:
        names = build.recipes(plan_of(made))[-1].context
        return {name.split("/")[2] for name in names if name.startswith("actors/actorkit_actors/")}

    beside = {"__init__.py", "catalogue.py", "py.typed"}
    split = Unit("split", "actor", "xslt", "actorkit_actors.xml.xslt:XSLT", Image("actorkit/xslt:0.1.0", "xml"))
    assert fields(split) == {"xml", *beside}
    assert fields(unit("execute", Image("shop/execute:0.1.0", "xml", code))) > {"xml", "http", "flow", *beside}


def test_a_digest_follows_from_what_goes_in(code: Path) -> None:
    def digest(image: Image) -> str:
        return build.recipes(plan_of(unit("execute", image)))[-1].digest

    image = Image("shop/execute:0.1.0", "xml", code)
    before = digest(image)
    assert digest(image) == before
    assert digest(Image("shop/execute:0.1.0", "", code)) != before
    (code / "shop" / "actors.py").write_text("changed = True\n")
    assert digest(image) != before


def test_a_folder_of_code_that_is_missing_is_told() -> None:
    with pytest.raises(KitError, match=r'"/nowhere" is no folder. "build" names the folder'):
        build.recipes(plan_of(unit("execute", Image("shop/execute:0.1.0", build=Path("/nowhere")))))


def test_what_is_shipped_is_found() -> None:
    for name in ("Dockerfile", "pyproject.toml", "charts", "compose"):
        assert assets.asset(name).exists()
    with pytest.raises(KitError, match='"nothing" is missing from this installation'):
        assets.asset("nothing")


def test_the_dockerfile_pleases_hadolint() -> None:
    done = subprocess.run(
        [needs.tool("hadolint"), str(assets.asset("Dockerfile"))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    needs.engine()
    with closing(connect()) as client:
        yield client


@pytest.fixture(scope="module")
def built(client: DockerClient) -> DockerClient:
    build.build(client, build.find_outdated(client, build.recipes(orders())), Quiet())
    return client


def inside(tag: str, script: str) -> str:
    """What a script says that runs in an image as a container runs it: read-only, without rights."""
    command = [needs.tool("docker"), "run", "--rm", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp", "--network=none"]
    done = subprocess.run(
        [*command, "--entrypoint=bash", tag, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_only_what_is_missing_or_changed_is_built(built: DockerClient, code: Path) -> None:
    assert build.find_outdated(built, build.recipes(orders())) == []
    plan = plan_of(unit("execute", Image("actorkit-test/execute:0.1.0", build=code)))
    tags: list[str] = []
    try:
        for content, expected in (("one = 1\n", 1), ("one = 1\n", 0), ("two = 2\n", 1)):
            (code / "shop" / "actors.py").write_text(content)
            progress = Quiet()
            build.build(built, build.find_outdated(built, build.recipes(plan)), progress)
            assert len(progress.built) == expected
            tags.append(tag_of(plan, "actorkit-test/execute"))
        assert inside(tags[0], "python -c 'import shop.actors as a; print(a.one)'") == "1"
        assert inside(tags[-1], "python -c 'import shop.actors as a; print(a.two)'") == "2"
    finally:
        for tag in set(tags):
            built.images.remove(tag, force=True)


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_an_image_has_what_its_code_asks_for_and_nothing_that_shadows_the_standard_library(
    built: DockerClient, code: Path
) -> None:
    (code / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\ndependencies = ["tomli_w"]\n')
    (code / "requirements.txt").write_text("./vendor/mylib\n")
    (code / "vendor" / "mylib" / "mylib").mkdir(parents=True)
    (code / "vendor" / "mylib" / "mylib" / "__init__.py").write_text("one = 1\n")
    project = '[project]\nname = "mylib"\nversion = "1"\n[build-system]\nrequires = ["setuptools"]\n'
    (code / "vendor" / "mylib" / "pyproject.toml").write_text(project)
    (code / "linked").symlink_to("shop")
    (code / "queue.py").write_text("raise ImportError('this is not the standard library')\n")
    plan = plan_of(unit("asking", Image("actorkit-test/asking:0.1.0", "xml", code)))
    tag = tag_of(plan, "actorkit-test/asking")
    try:
        build.build(built, build.recipes(plan)[1:], Quiet())
        assert inside(tag, "python -c 'import lxml, tomli_w, mylib, linked.actors, queue; print(mylib.one)'") == "1"
    finally:
        built.images.remove(tag, force=True)


#: A line of requirements with the hash of its wheel.
HASHED = "six==1.16.0 --hash=sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254\n"


@pytest.mark.docker
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": HASHED, "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["iniconfig"]\n'},
        {"requirements.txt": "-r deps/more.txt\n-c limits.txt\niniconfig\n", "limits.txt": "six==1.16.0\n"},
    ],
    ids=["hashes, and a pyproject.toml without", "files that name others"],
)
def test_every_way_to_ask_for_packages_is_followed(built: DockerClient, code: Path, files: dict[str, str]) -> None:
    (code / "deps").mkdir()
    (code / "deps" / "more.txt").write_text("six\n")
    for name, text in files.items():
        (code / name).write_text(text)
    plan = plan_of(unit("ways", Image("actorkit-test/ways:0.1.0", "xml", code)))
    tag = tag_of(plan, "actorkit-test/ways")
    try:
        build.build(built, build.recipes(plan)[1:], Quiet())
        assert inside(tag, "python -c 'import lxml, six, iniconfig; print(six.__version__)'") == "1.16.0"
    finally:
        built.images.remove(tag, force=True)


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_dependencies_that_a_pyproject_computes_are_told(built: DockerClient, code: Path) -> None:
    (code / "pyproject.toml").write_text('[project]\nname = "shop"\ndynamic = ["version", "dependencies"]\n')
    plan = plan_of(unit("execute", Image("actorkit-test/computed:0.1.0", build=code)))
    with pytest.raises(KitError, match=r"pyproject\.toml computes its dependencies"):
        build.build(built, build.recipes(plan)[1:], Quiet())


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_a_build_that_fails_tells_what_the_builder_said(built: DockerClient, code: Path) -> None:
    (code / "requirements.txt").write_text("gevent==1.0\n")
    plan = plan_of(unit("execute", Image("actorkit-test/broken:0.1.0", build=code)))
    with pytest.raises(KitError, match=r'"actorkit-test/broken:[0-9a-f]{12}" could not be built') as raised:
        build.build(built, build.find_outdated(built, build.recipes(plan)), Quiet())
    assert "gevent==1.0" in str(raised.value)


@pytest.mark.docker
@pytest.mark.timeout(300)
@pytest.mark.parametrize("tag", sorted({unit.image.tag for unit in build.identify(orders()).units}))
def test_an_image_is_small_and_runs_without_rights(built: DockerClient, tag: str) -> None:
    attributes = built.images.get(tag).attrs
    assert attributes["Size"] < LARGEST_BYTES
    configuration = attributes["Config"]
    assert configuration["Entrypoint"] == ["python", "-m", "actorkit"]
    assert configuration["User"] == "10001:10001"
    assert configuration["StopSignal"] == "SIGTERM"
    assert configuration["Healthcheck"]["Test"] == ["CMD", "/opt/actorkit/bin/ready"]
    assert configuration["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert inside(tag, "id -u; command -v gcc cc make || true") == "10001"
    assert inside(tag, "python -c 'import actorkit, gevent, zmq, msgspec, prometheus_client'") == ""
    assert inside(tag, "find /opt/actorkit -name '*.pyx' -o -name '*.h' -o -path '*/gevent/tests'") == ""
    assert inside(tag, "find /opt/actorkit -perm -o+w ! -type l") == ""
    assert inside(tag, "find /opt/actorkit -name '*.py' -path '*actorkit*' | head -1") != ""


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_all_but_an_actors_own_layers_is_shared(built: DockerClient) -> None:
    runtime = built.images.get(tag_of(orders(), "actorkit/runtime")).attrs["RootFS"]["Layers"]
    for tag in {unit.image.tag for unit in build.identify(orders()).units}:
        assert built.images.get(tag).attrs["RootFS"]["Layers"][: len(runtime)] == runtime, tag


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_an_image_holds_the_extra_of_its_actor_and_no_other(built: DockerClient) -> None:
    listing = "ls /opt/actorkit/extra"
    assert "lxml" in inside(tag_of(orders(), "actorkit/xslt"), listing)
    assert "httptools" not in inside(tag_of(orders(), "actorkit/xslt"), listing)
    assert inside(tag_of(orders(), "actorkit/basic-auth"), listing) == ""
    versions = inside(
        tag_of(orders(), "actorkit/runtime"),
        "python -c 'from importlib import metadata as m; print(m.version(\"actorkit\"))'",
    )
    assert versions == "0.1.0"


@pytest.mark.docker
@pytest.mark.timeout(300)
def test_bad_settings_end_a_container_with_78_and_one_line(built: DockerClient) -> None:
    tag = tag_of(orders(), "actorkit/runtime")
    command = [needs.tool("docker"), "run", "--rm", "--read-only", "-e", "ACTORKIT_ACTOR=x", tag]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "ACTORKIT_CLASS" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_kit_build_without_an_engine_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [*python_process.command("actorkit_kit"), "build", str(ORDERS)],
        env=python_process.environ(extra={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    where = f"unix://{tmp_path}/none.sock"
    told = f'kit: no Docker Engine answers at "{where}". Start Docker, or set DOCKER_HOST to where one listens.\n'
    assert (done.stdout, done.stderr) == ("", told)
