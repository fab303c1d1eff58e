"""The command line itself: statuses, streams, and what is said when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import actorkit
from tests.kit.conftest import Kit

GOOD = "name: t\nactors: {gen: {uses: generator}, out: {uses: stdout}}\nconnections: [gen -> out]\nclear: true\n"
BAD = GOOD.replace("generator", "generatr").replace("uses: stdout", "uses: stdout, colour: red")

DIRECTOR = """\
print("noise")

class Director:
    def __init__(self, uses):
        self.uses = uses

    def document(self):
        return {
            "name": "t",
            "actors": {"gen": {"uses": self.uses}, "out": {"uses": "stdout"}},
            "connections": ["gen -> out"],
            "clear": True,
        }

director = Director("generator")
wrong = Director("generatr")
nothing = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "topology.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "app.py").write_text(DIRECTOR)
    return tmp_path


def test_validate_says_so_when_there_is_no_mistake(kit: Kit, folder: Path) -> None:
    done = kit("validate", "topology.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "topology.yaml: no mistakes: 2 actors, 1 connections\n"


def test_no_topology_means_the_one_of_the_folder(
    kit: Kit, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert kit("validate", cwd=folder).stdout == "topology.yaml: no mistakes: 2 actors, 1 connections\n"
    assert kit("graph", cwd=folder).stdout == kit("graph", "topology.yaml", cwd=folder).stdout
    assert kit("render", "compose", "-o", "out", cwd=folder).returncode == 0
    assert (folder / "out" / "compose.yaml").is_file()
    done = kit("validate", cwd=tmp_path_factory.mktemp("empty"))
    told = 'kit: there is no file "topology.yaml". Name a topology file, its folder, or app.py:director.\n'
    assert (done.returncode, done.stderr) == (2, told)


def test_validate_tells_every_mistake_on_stdout_and_ends_with_2(kit: Kit, folder: Path) -> None:
    done = kit("validate", "bad.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (2, "")
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == ["bad.yaml:2:22", "bad.yaml:2:53"]


def test_validate_writes_json_for_machines(kit: Kit, folder: Path) -> None:
    first, second = json.loads(kit("validate", "bad.yaml", "-o", "json", cwd=folder).stdout)
    assert (first["file"], first["line"], first["column"], first["path"]) == ("bad.yaml", 2, 22, "actors.gen.uses")
    assert second["message"].startswith('there is no key "colour" here.')


@pytest.mark.parametrize("verb", [("graph",), ("run",), ("render", "compose")])
def test_every_verb_refuses_a_topology_with_mistakes_and_tells_them_all(
    kit: Kit, folder: Path, verb: tuple[str, ...]
) -> None:
    options = ("-o", "there") if verb[0] == "render" else ()
    done = kit(*verb, "bad.yaml", *options, cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert not (folder / "there").exists()


def test_a_director_is_accepted_wherever_a_file_is(kit: Kit, folder: Path) -> None:
    assert kit("validate", "app.py:director", cwd=folder).returncode == 0
    assert "unit_gen --> unit_out" in kit("graph", "app.py", cwd=folder).stdout
    done = kit("validate", "app.py:wrong", cwd=folder)
    assert done.returncode == 2
    assert done.stdout.startswith('app.py:wrong: actors.gen.uses: there is no actor "generatr"')


def test_a_real_director_is_a_topology_with_the_classes_of_its_program(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        """\
from actorkit import Actor, Event
from actorkit.director import Director
from actorkit_actors.flow.generator import Generator
from actorkit_actors.flow.stdout import Stdout


class Shout(Actor):
    def consume(self, event: Event) -> Event:
        return event.replace(data=str(event.data).upper())


director = Director("shouting", clear=True)
gen = director.register_actor(Generator, "gen", interval_s=0.2, data="hello")
shout = director.register_actor(Shout, "shout")
out = director.register_actor(Stdout, "out")
director.connect_queue(gen, shout)
director.connect_queue(shout, out, window=8)
director.connect_error_queue(shout, out)

if __name__ == "__main__":
    director.start()
"""
    )
    assert kit("validate", "app.py:director", cwd=tmp_path).stdout == (
        "app.py:director: no mistakes: 3 actors, 3 connections\n"
    )
    drawn = kit("graph", "app.py", cwd=tmp_path).stdout
    assert "unit_gen --> unit_shout" in drawn
    assert 'unit_shout -.->|"error"| unit_out' in drawn


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("nowhere.yaml", 'there is no file "nowhere.yaml". Name a topology file, its folder, or app.py:director.'),
        ("app.py:nobody", 'app.py:nobody: it has no object "nobody"'),
        ("app.py:nothing", 'its "nothing" is not a Director: it has no document()'),
    ],
)
def test_what_is_no_topology_is_one_line_and_status_2(kit: Kit, folder: Path, reference: str, words: str) -> None:
    done = kit("validate", reference, cwd=folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_director_whose_program_fails_is_one_line(kit: Kit, folder: Path) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    done = kit("validate", "broken.py", cwd=folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "ZeroDivisionError: division by zero" in done.stderr


def test_a_folder_stands_for_the_topology_in_it(kit: Kit, folder: Path) -> None:
    assert kit("validate", str(folder)).returncode == 0


def test_graph_writes_a_file_of_the_kind_that_its_name_says(kit: Kit, folder: Path) -> None:
    assert kit("graph", "topology.yaml", "-o", "t.svg", cwd=folder).stderr == "wrote t.svg\n"
    assert "</svg>" in (folder / "t.svg").read_text()
    kit("graph", "topology.yaml", "-o", "t.dot", cwd=folder)
    assert (folder / "t.dot").read_text().startswith("digraph")
    done = kit("graph", "topology.yaml", "-o", "no/where.svg", cwd=folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_render_never_writes_over_a_folder_that_is_not_its_own(kit: Kit, folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("mine")
    for where in (".", "..", "mine"):
        done = kit("render", "compose", "topology.yaml", "-o", where, cwd=folder)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert sorted(path.name for path in folder.iterdir()) == ["app.py", "bad.yaml", "mine", "topology.yaml"]
    for _ in range(2):
        assert kit("render", "compose", "topology.yaml", "-o", "mine/out", cwd=folder).returncode == 0
    assert (folder / "mine/out/compose.yaml").is_file()


def test_actors_lists_the_catalogue_and_tells_every_parameter_of_one(kit: Kit) -> None:
    names = [line.split()[0] for line in kit("actors").stdout.splitlines()[1:]]
    assert names == sorted(names)
    assert {"xslt", "generator", "null"} <= set(names)
    told = kit("actors", "generator").stdout
    assert "generator (actorkit_actors.flow.generator:Generator)" in told
    assert any(line.split()[:4] == ["interval_s", "float", "s", "1.0"] for line in told.splitlines())
    parameters = {each["name"]: each for each in json.loads(kit("actors", "xslt", "-o", "json").stdout)["parameters"]}
    assert (parameters["stylesheet"]["required"], parameters["stylesheet"]["default"]) == (True, None)


def test_actors_tells_about_users_classes_too(kit: Kit, shop: Path) -> None:
    told = kit("actors", "shop.actors:Place", "--build", str(shop / "shop")).stdout
    assert "Places an order." in told
    assert any(line.split()[:4] == ["limit_eur", "float", "EUR", "100.0"] for line in told.splitlines())


def test_an_unknown_actor_is_one_line_with_what_may_have_been_meant(kit: Kit) -> None:
    done = kit("actors", "xsl")
    assert done.returncode == 2
    assert done.stderr == 'kit: there is no actor "xsl" in the catalogue. Did you mean "xslt"?\n'


def test_wrong_usage_ends_with_2(kit: Kit) -> None:
    assert kit("validat").returncode == 2
    assert kit("validate").returncode == 2
    assert kit("validate", "x", "--colour").returncode == 2


def test_the_version_is_that_of_the_runtime(kit: Kit) -> None:
    assert kit("--version").stdout == f"kit {actorkit.__version__}\n"


def test_a_bug_is_told_in_one_line_and_its_traceback_is_kept(kit: Kit, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    code = "import actorkit_kit.load as load\ndef fail(*_, **__):\n    raise ValueError('unthinkable')\n"
    (broken / "sitecustomize.py").write_text(f"{code}load.load_plan = fail\n")
    done = kit("graph", "topology.yaml", cwd=folder, PYTHONPATH=f"{broken}:{_path()}", TMPDIR=str(tmp_path))
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("kit: this is a bug in kit: ValueError: unthinkable. The traceback is in ")
    kept = Path(line.rpartition(" in ")[2].removesuffix("."))
    assert "Traceback (most recent call last)" in kept.read_text()


def _path() -> str:
    from actorkit_kit import python_process

    return python_process.environ()["PYTHONPATH"]


def test_nothing_is_coloured_when_it_goes_to_a_pipe(kit: Kit) -> None:
    for arguments in (("actors",), ("actors", "xslt"), ("--help",)):
        assert "\x1b" not in kit(*arguments, NO_COLOR="").stdout


@pytest.mark.parametrize(
    "odd",
    [
        "replicas: " + "1" * 5_000,
        "replicas: !!int abc",
        "drain_timeout_s: !!float abc",
        "params: {count: !!bool maybe}",
        "params: {data: " + "[" * 3_000 + "]" * 3_000 + "}",
        'env: {A: "a\\0b"}',
        'env: {A: "\\ud83d"}',
        "env: {DATA: " + "x" * 140_000 + "}",
    ],
    ids=lambda odd: odd[:30],
)
def test_whatever_stands_in_a_topology_validate_ends_with_status_2_and_its_line(
    kit: Kit, tmp_path: Path, odd: str
) -> None:
    actors = f"  g: {{uses: generator, {odd}}}\n  s: {{uses: stdout}}\n"
    (tmp_path / "topology.yaml").write_text(f"name: t\nactors:\n{actors}connections: [g -> s]\nclear: true\n")
    done = kit("validate", "topology.yaml", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("topology.yaml:3:")
    assert len(done.stdout) < 1_000


def test_an_emoji_that_json_has_escaped_reaches_the_process(kit: Kit, tmp_path: Path) -> None:
    topology = {
        "name": "t",
        "actors": {"g": {"uses": "generator", "env": {"A": "😀"}}, "s": {"uses": "stdout"}},
        "connections": ["g -> s"],
        "clear": True,
    }
    (tmp_path / "topology.yaml").write_text(json.dumps(topology))
    assert kit("render", "compose", "topology.yaml", "-o", "out", cwd=tmp_path).returncode == 0
    services = YAML(typ="safe").load((tmp_path / "out" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["g"]["environment"]["A"] == "😀"


DIRECTED = """\
from actorkit.director import Director
from actorkit_actors.flow.data import Data
from actorkit_actors.flow.stdout import Stdout
from actorkit_actors.mdp.mdp_broker import MDPBroker
from actorkit_actors.mdp.mdp_worker import MDPWorker

director = Director("directed", clear=True)
director.register_actor(MDPBroker, "broker", port=0, clear=True)
worker = director.register_actor(MDPWorker, "w", service="s")
data = director.register_actor(Data, "d", data="x")
director.connect_queue(worker, data)
director.connect_queue(data, worker)
logs = director.register_log_actor(Stdout, "logs")
director.register_error_actor(Stdout, "errors")
"""


def test_a_director_with_a_broker_and_actors_for_logs_and_errors_is_a_topology(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "d.py").write_text(DIRECTED)
    (tmp_path / "e.py").write_text(DIRECTED + 'director.connect_log_queue(director.get_actor("broker"), logs)\n')
    done = kit("validate", "d.py:director", cwd=tmp_path)
    assert done.stdout == "d.py:director: no mistakes: 4 actors, 6 connections\n"
    drawn = kit("graph", "d.py:director", cwd=tmp_path).stdout
    assert 'unit_d -.->|"log"| unit_logs' in drawn
    assert "unit_broker -.->" not in drawn
    said = kit("validate", "e.py:director", cwd=tmp_path).stdout
    assert '"broker" stands beside the graph: no event goes to it or comes from it.' in said
