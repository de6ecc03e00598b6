"""The committed files are what is built, byte for byte, whoever builds them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.boards import GENERATED, RUNBOOKS
from harness.processes import ROOT
from outrigger_dashboards import files
from outrigger_dashboards.artifacts import runbook_pages
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.config import Config
from outrigger_dashboards.errors import Drift
from outrigger_dashboards.metrics.catalogue import Catalogue


def command(*arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "outrigger_dashboards.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_committed_is_what_is_built(built: dict[str, str]) -> None:
    assert contents(GENERATED) == {name: text.encode() for name, text in built.items()}


def test_every_board_has_its_file(built: dict[str, str]) -> None:
    assert len(BOARDS) == 9
    for board in BOARDS:
        assert json.loads(built[f"grafana/{board.uid}.json"])["title"] == board.title


def test_two_builds_are_equal_whatever_the_order_of_sets(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        done = command("build", "--output", str(tmp_path / seed), "--runbooks", "none", seed=seed)
        assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "1") == contents(tmp_path / "2") == contents(GENERATED)


def test_the_facts_in_the_runbooks_are_those_of_their_alerts(catalogue: Catalogue) -> None:
    for name, text in runbook_pages(Config(), catalogue, RUNBOOKS).items():
        assert (RUNBOOKS / name).read_text() == text, f"{name}: run: make dashboards"


def test_a_second_build_changes_nothing_and_orphans_go(
    tmp_path: Path, built: dict[str, str]
) -> None:
    first = files.write(tmp_path, built)
    assert len(first) == len(built)
    orphan = tmp_path / "grafana" / "old.json"
    orphan.write_text("{}")
    assert files.write(tmp_path, built) == [orphan]
    assert not orphan.exists()
    assert files.write(tmp_path, built) == []


def test_drift_names_each_file(tmp_path: Path, built: dict[str, str]) -> None:
    files.write(tmp_path, built)
    (tmp_path / "grafana" / "outrigger-runs.json").write_text("{}")
    (tmp_path / "prometheus" / "alertmanager.yml").unlink()
    (tmp_path / "grafana" / "old.json").write_text("{}")
    with pytest.raises(Drift) as drift:
        files.compare(tmp_path, built)
    told = str(drift.value).splitlines()
    assert [line.split(": ", 1)[1].split(";")[0] for line in told] == [
        "is out of date",
        "is missing",
        "nothing makes it",
    ]


def test_check_is_silent_when_all_is_well_and_names_what_is_not(tmp_path: Path) -> None:
    shutil.copytree(GENERATED, tmp_path / "out")
    arguments = ("check", "--output", str(tmp_path / "out"))
    well = command(*arguments)
    assert (well.returncode, well.stdout, well.stderr) == (0, "", "")
    (tmp_path / "out" / "grafana" / "outrigger-http.json").write_text("{}")
    ill = command(*arguments)
    assert ill.returncode == 1
    assert "outrigger-http.json: is out of date; run: make dashboards" in ill.stderr


def test_lint_is_silent_on_what_is_shipped_and_names_what_is_wrong(tmp_path: Path) -> None:
    shutil.copytree(GENERATED, tmp_path / "out")
    arguments = ("lint", "--output", str(tmp_path / "out"))
    assert command(*arguments).returncode == 0
    path = tmp_path / "out" / "grafana" / "outrigger-http.json"
    path.write_text(path.read_text().replace('"editable": false', '"editable": true'))
    ill = command(*arguments)
    assert ill.returncode == 1
    assert ill.stderr == "outrigger-http: uneditable-dashboard: can be edited\n"


def test_objectives_of_ones_own_change_rules_and_their_tests(tmp_path: Path) -> None:
    slo = tmp_path / "slo.toml"
    slo.write_text(
        "[objectives.first_event]\ntarget = 0.97\nthreshold_seconds = 5\n"
        "[limits]\nfenced_writes = 3\n"
    )
    output = tmp_path / "out"
    done = command("build", "--slo", str(slo), "--output", str(output))
    assert done.returncode == 0, done.stderr
    rules = output / "prometheus" / "rules"
    assert 'le=~"5(\\\\.0)?"' in (rules / "first_event.yml").read_text()
    assert "> 3\n" in (rules / "runs.yml").read_text()
    assert (GENERATED / "grafana" / "outrigger-http.json").read_bytes() == (
        output / "grafana" / "outrigger-http.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[objectives.run_errors]\ntarget = 0.9\n", "objectives.run_errors.target is too low"),
        ("[objectives.run_errors]\ntarget = 1\n", "objectives.run_errors.target has to be between"),
        ("[objectives.run_eros]\ntarget = 0.9\n", "objectives.run_eros is no key; known here"),
        ("[limits]\nfenced_writes = 'many'\n", "limits.fenced_writes has to be a number"),
        ("job = 3\n", "job has to be a text"),
        ("limits = 3\n", "limits has to be a table"),
        ("evaluation_seconds = 0\n", "have to be greater than 0"),
        ("[objectives.first_event]\nthreshold_seconds = 2.2\n", "no edge of a bucket"),
        ("not toml", "cannot be read"),
    ],
)
def test_wrong_objectives_are_named_and_nothing_is_written(
    tmp_path: Path, text: str, told: str
) -> None:
    slo = tmp_path / "slo.toml"
    slo.write_text(text)
    done = command("build", "--slo", str(slo), "--output", str(tmp_path / "out"))
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
