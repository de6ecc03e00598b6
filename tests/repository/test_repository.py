"""What holds for the repository as a whole: its documents, pins, names and shapes."""

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from outrigger_server import errors
from outrigger_server.api.problems import STATUS, status_of
from outrigger_server.settings import setting_names
from outrigger_sidecar import settings as sidecar_settings
from outrigger_telemetry.metric_specs import CATALOGUE
from outrigger_telemetry.schema_revision import SCHEMA_REVISION
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES, PREFIX
from task_maistro.environment import MODEL, TOKENS_PER_SECOND

ROOT = Path(__file__).parents[2]
PROGRAMS = ("server", "sidecar", "dashboards", "loadtests")
MADE_AGAIN = frozenset((ROOT / ".gitignore").read_text().replace("/", "").split()) | {".git"}

# Written so that this file does not hold what it looks for.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
    )
)
PINS = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:work|root)(?:/|\b)")
TEMPORARY_PATH = re.compile(r"(?<![\w.~$}-])/tmp(?:/|\b)")


def is_ours(path: Path) -> bool:
    parts = set(path.relative_to(ROOT).parts)
    return not parts & MADE_AGAIN and path.suffix != ".pyc" and ".egg-info" not in path.name


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository, by its path from the root."""
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and is_ours(path):
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_the_readme_shows_the_two_commands_and_the_makefile_has_them() -> None:
    readme, makefile = ((ROOT / name).read_text() for name in ("README.md", "Makefile"))
    for target in ("run", "test"):
        assert re.search(rf"^make {target}\b", readme, re.MULTILINE)
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_generated_parts_of_the_documents_are_up_to_date() -> None:
    check = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("name", PINS)
def test_every_requirement_is_pinned_with_hashes_and_names_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    requirements = text.replace("\\\n", "").splitlines()
    assert requirements
    for requirement in requirements:
        assert re.fullmatch(
            r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+",
            requirement,
        ), requirement


def test_the_sidecar_is_installed_without_anything_of_langgraph() -> None:
    pins = (ROOT / "requirements" / "sidecar.txt").read_text()
    assert re.findall(r"^(?:lang|fastapi).*?==", pins, re.MULTILINE) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(re.compile("|".join(map(re.escape, REGISTRIES)))) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert lines_with(MACHINE_PATH) == []
    elsewhere = ("tests/", "docker-compose.yml", "deploy/")  # the last two mean that of a container
    ours = [place for place in lines_with(TEMPORARY_PATH) if not place.startswith(elsewhere)]
    assert ours == []


@pytest.mark.parametrize("folder", PROGRAMS)
def test_a_folder_around_packages_is_no_package_itself(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert not (ROOT / folder / "__init__.py").exists()


def kinds_below(kind: type[errors.OutriggerError]) -> Iterator[type[errors.OutriggerError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds_below(below)


def test_every_error_has_an_http_code_and_a_name_of_its_own() -> None:
    kinds = list(kinds_below(errors.OutriggerError))
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    for kind in kinds:
        bare = kind.__new__(kind)
        code = status_of(bare)
        assert 400 <= code < 600
        # The class of all request errors is not raised itself; each kind has its own code.
        if issubclass(kind, errors.RequestError) and kind is not errors.RequestError:
            assert code < 500, kind


def test_only_the_root_of_all_errors_and_the_configuration_come_out_as_500() -> None:
    unmapped = {
        kind
        for kind in kinds_below(errors.OutriggerError)
        if not any(above in STATUS for above in kind.__mro__ if above is not errors.OutriggerError)
    }
    assert unmapped == {errors.OutriggerError, errors.ConfigurationError, errors.RequestError}


def test_the_newest_migration_is_the_schema_the_code_is_written_for() -> None:
    versions = ROOT / "server" / "outrigger_server" / "stores" / "migrations" / "versions"
    numbers = sorted(path.name[:4] for path in versions.glob("[0-9]*.py"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert numbers[-1] == SCHEMA_REVISION


def console_scripts() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    scripts: dict[str, str] = project["scripts"]
    return scripts


@pytest.mark.parametrize("script", console_scripts())
def test_every_command_has_a_main(script: str) -> None:
    module, _, function = console_scripts()[script].partition(":")
    assert function == "main"
    assert callable(getattr(importlib.import_module(module), function))


def test_every_setting_is_known_to_all_programs_and_no_other_name_is() -> None:
    fields = sidecar_settings.Settings.model_fields
    sidecar = {name for field in fields for name in sidecar_settings.environment_names(field)}
    ours = {name for name in setting_names() | sidecar if name.startswith(PREFIX)}
    assert ours | {MODEL, TOKENS_PER_SECOND} == ENVIRONMENT_NAMES


def test_every_metric_is_in_the_document_about_metrics() -> None:
    document = (ROOT / "docs" / "metrics.md").read_text()
    assert [spec.name for spec in CATALOGUE if f"`{spec.name}`" not in document] == []


def test_the_changelog_begins_with_what_is_not_released_yet() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"


def decisions() -> list[Path]:
    return sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("decision", decisions(), ids=lambda path: path.stem)
def test_every_decision_has_its_context_and_its_price(decision: Path) -> None:
    number, _, _ = decision.stem.partition("-")
    text = decision.read_text()
    assert text.startswith(f"# {number} ")
    places = [text.find(f"**{part}.**") for part in ("Context", "Decision", "Price")]
    assert -1 not in places
    assert places == sorted(places)


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:3]) for path in decisions()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_no_source_file_grows_beyond_what_can_be_read_at_once() -> None:
    longest = {
        str(path): count
        for path, text in texts()
        if path.suffix == ".py" and path.parts[0] == "tests"
        if (count := len(text.splitlines())) > 350
    }
    assert longest == {}
