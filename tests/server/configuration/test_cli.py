"""The commands' exit codes and formats; `tests/end_to_end` runs them as they are."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from outrigger_server.configuration.cli import config


def run(*words: str | Path, **environ: str) -> Result:
    ended = CliRunner(env=environ).invoke(config, [str(word) for word in words])
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    return ended


def shown(*words: str | Path, **environ: str) -> dict[str, Any]:
    ended = run("show", "--format", "json", *words, **environ)
    assert (ended.exit_code, ended.stderr) == (0, "")
    return {each["name"]: each for each in json.loads(ended.stdout)["settings"]}


def test_values_are_shown_as_json(project: Any) -> None:
    values = shown("--config", project.manifest, "--port", "9000")
    assert values["OUTRIGGER_PORT"] == {
        "name": "OUTRIGGER_PORT",
        "value": "9000",
        "source": "--port",
    }


def test_the_environment_wins_over_the_file(project: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text("OUTRIGGER_WORKER_SLOTS=3\nOUTRIGGER_LEASE_SECONDS=9\n")
    words = ("--config", project.manifest, "--env-file", file)
    values = shown(*words, OUTRIGGER_WORKER_SLOTS="4")
    slots, lease = values["OUTRIGGER_WORKER_SLOTS"], values["OUTRIGGER_LEASE_SECONDS"]
    assert (slots["value"], slots["source"]) == ("4", "environment")
    assert (lease["value"], lease["source"]) == ("9", str(file))


def test_faults_are_told_beside_what_is_shown(project: Any) -> None:
    ended = run("show", "--config", project.manifest, OUTRIGGER_WORKER_SLOTS="many")
    assert (ended.exit_code, "OUTRIGGER_HOST" in ended.stdout) == (1, True)
    assert ended.stderr.startswith("outrigger: OUTRIGGER_WORKER_SLOTS is 'many': ")


def test_files_that_say_the_same_end_with_0(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text("A=1\n")
    ended = run("diff", file, file)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == f"{file} and {file} say the same: 1 variables\n"


def test_a_file_that_cannot_be_read_ends_with_2(project: Any, tmp_path: Path) -> None:
    missing = tmp_path / "none.env"
    for words in (("diff", missing, missing), ("check", "--env-file", missing)):
        ended = run(*words)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert f"{missing}: cannot be read: No such file" in ended.stderr
