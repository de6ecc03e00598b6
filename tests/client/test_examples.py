"""The examples of the documents, run as they stand there but for the server's address."""

import re
import subprocess
import sys

import pytest

from harness.processes import ROOT, Server, clean_environment

pytestmark = pytest.mark.end_to_end

ADDRESS = "http://127.0.0.1:8123"
SECONDS = 120


def example_of(document: str) -> str:
    """The document's program with the client."""
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)
    (example,) = [b for b in blocks if "outrigger_client" in b and "asyncio.run(" in b]
    assert ADDRESS in example
    return str(example)


def printed(example: str, server: Server) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example.replace(ADDRESS, server.url)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_readme_streams_and_cancels(server: Server) -> None:
    lines = printed(example_of("README.md"), server)
    assert (lines[0], lines[-1]) == ("metadata", "cancelled: True")
    assert lines.count("values") >= 2


def test_the_client_s_page_double_texts_with_its_settings_and_hook(server: Server) -> None:
    page = (ROOT / "docs/client.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert len(blocks) == 3
    lines = printed("\n".join([*blocks[1:], example_of("docs/client.md")]), server)
    assert "milk" in lines[0]
    assert lines[-3:] == [
        "cancelled: True",
        "busy with 1 run; try again in 1.0 s",
        "the first was interrupted",
    ]
