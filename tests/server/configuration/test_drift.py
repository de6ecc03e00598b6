from pathlib import Path

import pytest

from outrigger_server.configuration.drift import Drift
from outrigger_server.configuration.env_files import read_env_file
from outrigger_server.errors import ConfigurationError

NAMES = ("a.env", "b.env")


def test_what_is_in_one_file_only_and_what_differs_is_told_without_secrets() -> None:
    drift = Drift(
        NAMES,
        {
            "OUTRIGGER_PORT": "8000",
            "OUTRIGGER_LOG_LEVEL": "debug",
            "OUTRIGGER_JWT_SECRET": "first-secret",
            "POSTGRES_URI": "postgresql://app:one@db/app",
            "SAME": "x",
        },
        {
            "OUTRIGGER_PORT": "9000",
            "OUTRIGGER_AUTH": "jwt",
            "OUTRIGGER_JWT_SECRET": "second-secret",
            "POSTGRES_URI": "postgresql://app:two@db2/app",
            "SAME": "x",
        },
    )
    assert not drift.is_none
    assert list(drift.lines()) == [
        "only in a.env",
        "    OUTRIGGER_LOG_LEVEL=debug",
        "only in b.env",
        "    OUTRIGGER_AUTH=jwt",
        "different",
        "    OUTRIGGER_JWT_SECRET",
        "        *** in both, but what is not shown differs",
        "    OUTRIGGER_PORT",
        "        a.env  8000",
        "        b.env  9000",
        "    POSTGRES_URI",
        "        a.env  postgresql://app:***@db/app",
        "        b.env  postgresql://app:***@db2/app",
    ]


def test_passwords_alone_that_differ_are_told_to_differ() -> None:
    uris = ({"REDIS_URI": "redis://:one@cache"}, {"REDIS_URI": "redis://:two@cache"})
    assert list(Drift(NAMES, *uris).lines())[-1] == (
        "        redis://:***@cache in both, but what is not shown differs"
    )


def test_files_that_say_the_same_do_not_differ() -> None:
    drift = Drift(NAMES, {"A": "1", "B": "2"}, {"B": "2", "A": "1"})
    assert (drift.is_none, list(drift.lines())) == (True, [])


def test_names_that_nobody_reads_are_told_with_the_likely_one() -> None:
    drift = Drift(NAMES, {"OUTRIGGER_LOG_LEVLE": "info"}, {"OUTRIGGER_PROT": "1"})
    assert drift.warnings() == [
        "a.env: OUTRIGGER_LOG_LEVLE: no such setting; did you mean OUTRIGGER_LOG_LEVEL?",
        "b.env: OUTRIGGER_PROT: no such setting; did you mean OUTRIGGER_PORT?",
    ]


def test_a_file_is_read_as_shells_and_compose_write_it(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text("# of us\nexport A=1\nB='two words' # why\n\nA=3\nC=\n")
    assert read_env_file(file) == {"A": "3", "B": "two words", "C": ""}


def test_lines_that_set_nothing_are_named_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text("A=1\nhunter2\n")
    with pytest.raises(ConfigurationError) as caught:
        read_env_file(file)
    assert caught.value.faults == (f"{file}: line 2 is not of the form NAME=value",)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_env_file(tmp_path / "none.env")
