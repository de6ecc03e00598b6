"""`report.html` of a run, from the files that the run left in its folder."""

from pathlib import Path

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.judging import operations_of_threads
from outrigger_loadtests.report.files import PAGE, replace
from outrigger_loadtests.report.html.check_page import check_page
from outrigger_loadtests.report.html.page import page_html
from outrigger_loadtests.report.html.pictures import pictures, wanted_examples
from outrigger_loadtests.report.measured_file import read_measures
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.verdict_json import VERDICT, Document, read_verdict

HISTORY = "history.jsonl"


def check_html(
    document: Document, measures: Measures, history: Path, grafana_url: str = ""
) -> bytes:
    """Return the page of a check; without its history there are no pictures of threads.

    Raises:
        UnreadableHistory: The history is none.
        OSError: It cannot be read.
    """
    wanted = wanted_examples(document)
    there = history.exists()
    drawn = pictures(operations_of_threads(history, wanted), wanted) if there else {}
    return page_html(check_page(document, measures, drawn, grafana_url))


def render_again(folder: Path, grafana_url: str = "") -> list[Path]:
    """Write the page of an earlier run anew and return where it is.

    Raises:
        UsageError: There is no such run.
        UnreadableReport: One of its files is none of ours.
        OSError: A file cannot be read or written.
    """
    if not (folder / VERDICT).is_file():
        raise UsageError(f"{folder} holds no report: {VERDICT} is missing")
    page = check_html(read_verdict(folder), read_measures(folder), folder / HISTORY, grafana_url)
    replace(folder / PAGE, page)
    return [folder / PAGE]
