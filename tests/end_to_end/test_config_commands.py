"""`outrigger config check | show | diff`, and the start that production refuses."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.processes import ROOT, TASK_MAISTRO, clean_environment, started_server
from harness.slots import logged
from harness.starts import refused_start, write_files

pytestmark = pytest.mark.end_to_end

BAD = {
    "OUTRIGGER_ENVIRONMENT": "production",
    "OUTRIGGER_RUN_TIMEOUT_SECONDS": "5",
    "OUTRIGGER_WORKER_SLOTS": "many",
    "OUTRIGGER_WROKER_SLOTS": "3",
    "OUTRIGGER_WEBHOOK_SECRET": "changeme",
    "POSTGRES_URI": "postgresql://postgres:postgres@db/outrigger",
    "REDIS_URI": "redis://cache",
}
NO_AUTH = "OUTRIGGER_AUTH is none: everybody may come in; give api_key or jwt, or auth.path"
ANY_PAGE = "OUTRIGGER_CORS_ORIGINS is *: every web page may call; name the origins"
SECRETS = ("postgres:postgres", "changeme")
GOOD = {
    "OUTRIGGER_ENVIRONMENT": "production",
    "OUTRIGGER_AUTH": "jwt",
    "OUTRIGGER_JWT_SECRET": "f3Vq8Zt1LwX0bKd7sRn5Yh2JmPc9GaUe",
    "OUTRIGGER_JWT_AUDIENCE": "maistro",
    "OUTRIGGER_JWT_ISSUER": "https://login.example.org",
    "OUTRIGGER_CORS_ORIGINS": "none",
    "OUTRIGGER_WEBHOOK_SECRET": "Qm4TzX81-Vd0LrY6",
    "OUTRIGGER_MODEL": "openai:gpt-4o-mini",
    "POSTGRES_URI": "postgresql://app:Wd93-kTz0qLx@db/app",
    "REDIS_URI": "redis://:Bn27-rYv5mQc@cache/0",
}


def config(
    *words: str | Path, environment: Mapping[str, str] | None = None, folder: Path = ROOT
) -> tuple[int, str, str]:
    """The real command: its exit code, what it said on stdout and what on stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", "outrigger_server", "config", *map(str, words)],
        cwd=folder,
        env=clean_environment(**(environment or {})),
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def write_env(path: Path, variables: Mapping[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    return path


def test_every_fault_of_a_bad_production_is_told_at_once() -> None:
    code, said, faults = config("check", "--config", TASK_MAISTRO, environment=BAD)
    assert (code, said) == (1, "")
    why = " (OUTRIGGER_ENVIRONMENT is production)"
    guessed = f"give one that nobody guesses{why}"
    lines = faults.splitlines()
    assert lines[:-1] == [
        f"outrigger: {line}"
        for line in (
            "OUTRIGGER_WORKER_SLOTS is 'many': give a whole number from 1 to 1000",
            "OUTRIGGER_WROKER_SLOTS: no such setting; did you mean OUTRIGGER_WORKER_SLOTS?",
            f"{NO_AUTH} in {TASK_MAISTRO}{why}",
            f"{ANY_PAGE}, or give none{why}",
            f"POSTGRES_URI has a default password: {guessed}",
            f"REDIS_URI has no password: {guessed}",
            f"OUTRIGGER_WEBHOOK_SECRET is a default: {guessed}",
            f"OUTRIGGER_RUN_TIMEOUT_SECONDS is 5: give 30 or more{why}",
        )
    ]
    assert lines[-1].startswith("outrigger: graph 'task_maistro': ")
    assert "OUTRIGGER_MODEL is 'simulated': production answers with a real model" in lines[-1]
    assert [secret for secret in SECRETS if secret in faults] == []


def test_a_good_production_is_praised_in_one_line_and_warned_apart(tmp_path: Path) -> None:
    file = write_env(tmp_path / "production.env", GOOD | {"OUTRIGGER_LOG_LEVEL": "debug"})
    code, said, warned = config("check", "--config", TASK_MAISTRO, "--env-file", file)
    assert (code, said) == (0, f"good for production: {TASK_MAISTRO} with task_maistro\n")
    assert warned.startswith("outrigger: warning: OUTRIGGER_LOG_LEVEL is debug: ")
    assert warned.count("\n") == 1


def test_a_production_that_is_not_safe_does_not_start(tmp_path: Path) -> None:
    write_files(tmp_path, {})
    ended = refused_start(tmp_path, environment={"OUTRIGGER_ENVIRONMENT": "production"})
    assert (ended.code, ended.stdout, ended.listens) == (1, "", False)
    assert [line.split(" is ")[0] for line in ended.stderr.splitlines()] == [
        "outrigger: OUTRIGGER_AUTH",
        "outrigger: OUTRIGGER_CORS_ORIGINS",
    ]
    assert not (tmp_path / "data").exists()


def test_a_staging_server_logs_what_production_would_refuse(tmp_path: Path) -> None:
    environment = {"OUTRIGGER_ENVIRONMENT": "staging"}
    with started_server(tmp_path / "data", config=TASK_MAISTRO, environment=environment) as server:
        reasons = [line["reason"] for line in logged(server, "environment")]
    assert [reason[:40] for reason in reasons] == [
        "production refuses this: OUTRIGGER_AUTH ",
        "production refuses this: OUTRIGGER_CORS_",
        "POSTGRES_URI is not set: all is in one f",
        "OUTRIGGER_WEBHOOK_SECRET is not set: who",
    ]


def test_values_are_shown_with_their_source_and_without_secrets(tmp_path: Path) -> None:
    file = write_env(tmp_path / "production.env", GOOD)
    environment = {"OUTRIGGER_LOG_LEVEL": "warning"}
    words = ("show", "--config", TASK_MAISTRO, "--env-file", file, "--port", "9000")
    code, text, _ = config(*words, environment=environment)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    assert code == 0
    assert rows["OUTRIGGER_LOG_LEVEL"] == ["warning", "environment"]
    assert rows["OUTRIGGER_PORT"] == ["9000", "--port"]
    assert rows["OUTRIGGER_HOST"] == ["127.0.0.1", "default"]
    assert rows["POSTGRES_URI"] == ["postgresql://app:***@db/app", str(file)]
    assert rows["OUTRIGGER_MODEL"] == ["openai:gpt-4o-mini", str(file)]
    secrets = ("f3Vq8Zt1", "Qm4TzX81", "Wd93", "Bn27")
    assert [secret for secret in secrets if secret in text] == []


def test_drift_of_two_files_is_told_with_exit_code_1(tmp_path: Path) -> None:
    staging = {"OUTRIGGER_ENVIRONMENT": "staging", "OUTRIGGER_PROT": "1"}
    production = {"OUTRIGGER_JWT_SECRET": "x" * 16 + "another-one-4711"}
    write_env(tmp_path / "staging.env", GOOD | staging)
    write_env(tmp_path / "production.env", GOOD | production)
    code, said, warned = config("diff", "staging.env", "production.env", folder=tmp_path)
    assert code == 1
    assert said.splitlines() == [
        "only in staging.env",
        "    OUTRIGGER_PROT=1",
        "different",
        "    OUTRIGGER_ENVIRONMENT",
        "        staging.env     staging",
        "        production.env  production",
        "    OUTRIGGER_JWT_SECRET",
        "        *** in both, but what is not shown differs",
    ]
    assert warned == (
        "outrigger: warning: staging.env: OUTRIGGER_PROT: no such setting; did you mean "
        "OUTRIGGER_PORT?\n"
    )
