"""The report's files in a directory: each is whole or not there."""

import contextlib
import os
from pathlib import Path

from outrigger_loadtests.history.file import HISTORY
from outrigger_loadtests.report.html.file import report_html
from outrigger_loadtests.report.junit import junit_xml
from outrigger_loadtests.report.markdown import summary_markdown
from outrigger_loadtests.report.measured_file import MEASURES, measures_json
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.outcome import CheckReport
from outrigger_loadtests.report.verdict_json import VERDICT, document, verdict_json

SUMMARY = "summary.md"
JUNIT = "junit.xml"
PAGE = "report.html"


def write_report(
    report: CheckReport, directory: Path, measures: Measures | None = None
) -> list[Path]:
    """Write all files of the report and return where they are.

    Its page has pictures of the threads when their history is in the directory. Nothing is written
    unless everything could be rendered. `verdict.json` comes last: where it is, the others are too.

    Raises:
        UnreadableHistory: The history that is there is none.
        OSError: The directory cannot be made or written to.
    """
    measured = measures or Measures()
    rendered = {
        PAGE: report_html(document(report), measured, directory / HISTORY),
        MEASURES: measures_json(measured),
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
