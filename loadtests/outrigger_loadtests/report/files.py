"""The report's files in a directory: each is whole or not there."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from outrigger_loadtests.report.junit import junit_xml
from outrigger_loadtests.report.markdown import summary_markdown
from outrigger_loadtests.report.outcome import CheckReport
from outrigger_loadtests.report.verdict_json import VERDICT, verdict_json

SUMMARY = "summary.md"
JUNIT = "junit.xml"
PAGE = "report.html"


def write_report(
    report: CheckReport, directory: Path, more: Mapping[str, bytes] | None = None
) -> list[Path]:
    """Write all files of the report, and `more` by name; return where they are.

    Nothing is written unless everything could be rendered. `verdict.json` comes last: where it is,
    the others are too.

    Raises:
        OSError: The directory cannot be made or written to.
    """
    rendered = {
        **(more or {}),
        SUMMARY: summary_markdown(report).encode(),
        JUNIT: junit_xml(report),
        VERDICT: verdict_json(report),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in rendered.items():
        replace(directory / name, content)
    return [directory / name for name in rendered]


def replace(path: Path, content: bytes) -> None:
    """Write a file under another name and give it its own once it is whole.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
