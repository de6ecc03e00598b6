"""What the documents for operators name is there: panels, metrics, settings, files, options."""

import re
import shlex
from itertools import pairwise
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup, TyperOption

from harness.boards import RUNBOOKS, boards
from harness.documents import DOCS, PROGRAMS, Document, document, program_of
from harness.kubernetes import LABEL, OVERLAYS, Cluster, containers, rendered
from harness.processes import ROOT
from outrigger_dashboards.linter.documents import spots
from outrigger_loadtests.cli import cli as loadtest
from outrigger_server.cli import cli
from outrigger_telemetry.metric_specs import BY_NAME
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES, SECRET_NAMES

NAMES = ("deploy", "scale", "upgrade", "backup", "troubleshooting")
OF_OTHERS = {"LANGSMITH_TRACING", "LANGSMITH_ENDPOINT", "LANGSMITH_API_KEY"}
OF_OTHERS |= {"LANGSMITH_FAILED_TRACES_DIR", "POSTGRES_URI", "REDIS_URI"}
OURS = {
    "outrigger": typer.main.get_command(cli),
    "outrigger-loadtest": typer.main.get_command(loadtest),
}
RUN_FOR_REAL = {
    "backup": PROGRAMS - {"kubectl", "docker", "kind", "outrigger-loadtest"},
    "troubleshooting": {"curl", "psql", "redis-cli"},
}
"""Programs whose commands tests/end_to_end/test_backup.py and test_operating.py carry out."""
WITHOUT_A_TRIAL = {"kind load docker-image …"}
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
FILE = re.compile(r"(?:deploy|docs|dashboards|loadtests)/[\w./-]+|[A-Z]+\.md")


@pytest.fixture(params=NAMES)
def text(request: pytest.FixtureRequest) -> Document:
    return document(request.param)


@pytest.fixture(scope="module")
def namespaces() -> dict[str, Cluster]:
    """The overlays by their namespace."""
    return {
        next(iter(cluster.of("Namespace"))): cluster
        for cluster in (rendered(overlay) for overlay in OVERLAYS)
    }


def panels() -> set[str]:
    return {spot.panel["title"] for board in boards().values() for spot in spots(board)}


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_readme_lists_every_document_for_operators() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in NAMES if f"](docs/{name}.md)" not in readme] == []


def test_links_lead_to_files_and_headings_that_are_there(text: Document) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text.text):
        path, _, heading = target.partition("#")
        place = (DOCS / path).resolve()
        assert place.exists(), target
        if heading:
            heads = re.findall(r"^#+ (.+)$", place.read_text(), re.MULTILINE)
            assert heading in map(slug, heads), target


def test_panels_are_on_a_board(text: Document) -> None:
    assert set(re.findall(r"“([^”]+)”", text.text)) <= panels()


def test_settings_and_metrics_exist(text: Document) -> None:
    named = set(re.findall(r"\b(?:OUTRIGGER|LANGSMITH)_[A-Z_]+[A-Z]\b", text.text))
    files = {f"{name}_FILE" for name in SECRET_NAMES}
    assert named <= ENVIRONMENT_NAMES | OF_OTHERS | files
    for metric in re.findall(r"\blanggraph_\w+", text.text):
        assert any(name == metric or name.startswith(f"{metric}_") for name in BY_NAME), metric


def test_files_and_folders_exist(text: Document) -> None:
    for name in FILE.findall("\n".join([*text.spans(), *text.blocks("sh")])):
        assert (ROOT / name).exists(), name


def test_every_alert_has_its_symptom() -> None:
    told = set(re.findall(r"runbooks/(Outrigger\w+)\.md", document("troubleshooting").text))
    assert told == {path.stem for path in RUNBOOKS.glob("Outrigger*.md")}


def test_a_symptom_has_a_panel_a_command_and_a_way_on_in_this_order() -> None:
    rows = [row for row in document("troubleshooting").rows() if row[0] != "symptom"]
    assert len(rows) > 30
    for symptom, panel, command, then in rows:
        assert symptom
        assert then
        assert panel or command, symptom
        assert re.fullmatch(r"(“[^”]+”)?", panel), symptom
        assert re.fullmatch(r"(`[^`]+`)?", command), symptom


def test_every_command_is_tried_somewhere(text: Document) -> None:
    tried = {
        "outrigger",
        "outrigger-loadtest",
        "kubectl",
        "docker",
        *RUN_FOR_REAL.get(text.path.stem, ()),
    }
    commands = text.commands()
    assert commands or text.path.stem == "scale"
    for command in commands:
        assert program_of(command) in tried or command in WITHOUT_A_TRIAL, command


def test_commands_and_options_of_ours_exist(text: Document) -> None:
    for line in text.commands():
        name = program_of(line)
        if name in OURS:
            words = shlex.split(line)
            assert_understood(OURS[name], words[words.index(name) + 1 :])


def assert_understood(command: Any, words: list[str]) -> None:
    """The words name subcommands and options that there are."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            options = {each: one for one in command.params for each in one.opts}
            assert word in options, word
            option = options[word]
            if not (isinstance(option, TyperOption) and option.is_flag):
                next(rest)
        elif isinstance(command, TyperGroup):
            command = command.commands[word]


def test_what_compose_is_told_of_is_there(text: Document) -> None:
    for line in (each for each in text.commands() if program_of(each) == "docker"):
        _, compose, verb, *words = shlex.split(line)
        assert (compose, verb) == ("compose", "up"), line
        named = {word.partition("=")[0] for word in words if not word.startswith("-")}
        assert named <= SERVICES.keys(), line


@pytest.mark.parametrize("words", ["serve --no-workers", "serv", "capacity --hosts a"])
def test_an_option_that_is_not_there_would_be_found(words: str) -> None:
    group = OURS["outrigger-loadtest" if "capacity" in words else "outrigger"]
    with pytest.raises((AssertionError, KeyError)):
        assert_understood(group, words.split())


def test_what_kubectl_is_told_of_is_there(text: Document, namespaces: dict[str, Cluster]) -> None:
    for line in (each for each in text.commands() if program_of(each) == "kubectl"):
        words = shlex.split(line)
        given = dict(pairwise(words))
        namespace = given.get("-n", "outrigger")
        cluster = namespaces[namespace]
        for word in words:
            kind, _, name = word.partition("/")
            if kind in {"deployment", "service", "job"}:
                made = cluster.of(kind.capitalize())[name]
                if "-c" in given:
                    assert given["-c"] in containers(made["spec"]["template"]), line
                if words[words.index(word) + 1 :] == ["8123:80"]:
                    assert made["spec"]["ports"][0]["port"] == 80
        if "-k" in given:
            assert (ROOT / given["-k"] / "kustomization.yaml").exists(), line


def test_the_first_step_of_a_rollout_is_the_migration_and_all_that_it_needs(
    namespaces: dict[str, Cluster],
) -> None:
    selector = re.compile(rf"-l '{LABEL}component in \((.+?)\)'")
    chosen = {
        frozenset(found.split(", "))
        for name in ("deploy", "upgrade")
        for found in selector.findall(document(name).text)
    }
    (components,) = chosen
    objects = namespaces["outrigger"].objects
    first = {
        (each["kind"], each["metadata"]["name"])
        for each in objects
        if each["metadata"]["labels"].get(f"{LABEL}component") in components
    }
    pod = namespaces["outrigger"].pods()["outrigger-migrate"]["spec"]
    (container,) = pod["containers"]
    needed = {("ConfigMap", source["configMapRef"]["name"]) for source in container["envFrom"]}
    needed |= {("Job", "outrigger-migrate"), ("ServiceAccount", pod["serviceAccountName"])}
    assert needed <= first
    assert {kind for kind, _ in first} == {"ConfigMap", "Job", "ServiceAccount"}
