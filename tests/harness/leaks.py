"""Secrets that tests give to programs, and the look for them in all that was logged.

Every secret is found in the environment of a started program (`clean_environment`), or noted by
the test that makes it. At the end of the session no log below the test folder may hold one, and no
test may have printed one.
"""

import mmap
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from outrigger_server.configuration.passwords import is_tried_first
from outrigger_telemetry.setting_names import FILE, SECRET_NAMES

LEAST_CHARACTERS = 8
"""What is shorter stands in other words by chance, as words do that anybody would try first."""

NAMES = (*SECRET_NAMES, "LANGGRAPH_API_KEY", "LG_WEBHOOK_TOKEN")


class Secrets:
    """What must not be read anywhere, with what each is called."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def note(self, name: str, value: str) -> str:
        """Take note of one; gives it back."""
        if len(value) >= LEAST_CHARACTERS and not is_tried_first(value):
            self._names[value.encode()] = name
        return value

    def note_all(self, environ: Mapping[str, str]) -> None:
        """Take note of those in an environment, and in the files that it names."""
        for name in NAMES:
            if name in environ:
                self._note_setting(name, environ[name])
            if name + FILE in environ and (file := Path(environ[name + FILE])).is_file():
                self._note_setting(name, file.read_text(encoding="utf-8").rstrip("\r\n"))

    def _note_setting(self, name: str, value: str) -> None:
        if not name.endswith("_URI"):
            self.note(name, value)
        elif password := urlsplit(value).password:
            self.note(f"the password in {name}", password)
            self.note(f"the password in {name}", unquote(password))

    def inside(self, text: bytes | mmap.mmap) -> list[str]:
        """What the secrets are called that are in a text."""
        return sorted({name for value, name in self._names.items() if text.find(value) >= 0})

    def logged_below(self, folder: Path) -> list[str]:
        """One line for each secret in each log."""
        return [
            f"{name} is in {log}"
            for log in sorted(folder.rglob("*.log"))
            if log.is_file()
            for name in self._inside_file(log)
        ]

    def _inside_file(self, path: Path) -> list[str]:
        if not path.stat().st_size:
            return []
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return self.inside(text)


SECRETS = Secrets()
"""Those of this test process."""


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails at the end of the session when a log holds a secret."""
    yield
    leaks = SECRETS.logged_below(tmp_path_factory.getbasetemp())
    assert not leaks, "\n".join(leaks)


def _is_new(said: Mapping[str, list[str]], phase: str) -> bool:
    """True when a secret was printed in this phase of the test, and not only in one before."""
    return any(names and title.endswith(phase) for title, names in said.items())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a test that printed a secret."""
    del item, call
    report = yield
    said = {
        title: SECRETS.inside(text.encode("utf-8", "replace")) for title, text in report.sections
    }
    report.sections = [each for each in report.sections if not said[each[0]]]
    told = [f"{', '.join(names)}: printed ({title})" for title, names in said.items() if names]
    if told and report.outcome != "failed" and _is_new(said, report.when):
        report.outcome = "failed"
        report.longrepr = "\n".join(told)
    return report
