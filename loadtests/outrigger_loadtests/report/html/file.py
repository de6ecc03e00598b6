"""`report.html`, from what the other files of a run say."""

from pathlib import Path

from outrigger_loadtests.history.file import operations_of_threads
from outrigger_loadtests.report.html.check_page import check_page
from outrigger_loadtests.report.html.page import page_html
from outrigger_loadtests.report.html.pictures import pictures, wanted_examples
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.verdict_json import Document


def report_html(
    document: Document, measures: Measures, history: Path, grafana_url: str = ""
) -> bytes:
    """Return the page of a run; without its history there are no pictures of threads.

    Raises:
        UnreadableHistory: The history is none.
        OSError: It cannot be read.
    """
    wanted = wanted_examples(document)
    there = history.exists()
    drawn = pictures(operations_of_threads(history, wanted), wanted) if there else {}
    return page_html(check_page(document, measures, drawn, grafana_url))
