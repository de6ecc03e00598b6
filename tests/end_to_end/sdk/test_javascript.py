"""The JavaScript SDK against one process: what `javascript/client.mjs` does must all work."""

import re
from collections.abc import Iterator

import pytest

from harness.differential.both import GRAPHS
from harness.javascript import PROJECT, run_program
from harness.sdk_cases.places import embedded

pytestmark = pytest.mark.end_to_end

PROGRAM = PROJECT / "client.mjs"
SECONDS = 120.0


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(tmp_path_factory.mktemp("javascript"), GRAPHS) as url:
        yield url


def test_the_javascript_client_works(url: str) -> None:
    written = len(re.findall(r"^test\(", PROGRAM.read_text(), re.MULTILINE))
    done = run_program(PROGRAM, url, seconds=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"# pass {written}\n" in done.stdout
    assert "# fail 0\n" in done.stdout


def test_a_program_that_fails_is_noticed() -> None:
    """Nothing listens there: every test of the program must fail, and its exit code say so."""
    done = run_program(PROGRAM, "http://127.0.0.1:1", seconds=SECONDS)
    assert done.returncode != 0
    assert "# pass 0\n" in done.stdout
