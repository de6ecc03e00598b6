"""Makes the page of an earlier run anew, from the files that the run left in its folder."""

from pathlib import Path

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.history.file import HISTORY
from outrigger_loadtests.report.files import PAGE, replace
from outrigger_loadtests.report.html.file import report_html
from outrigger_loadtests.report.measured_file import read_measures
from outrigger_loadtests.report.verdict_json import VERDICT, read_verdict


def render_again(folder: Path, grafana_url: str = "") -> list[Path]:
    """Write the page of an earlier run anew and return where it is.

    Raises:
        UsageError: There is no such run.
        UnreadableReport: One of its files is none of ours.
        UnreadableHistory: Nor is its history.
        OSError: A file cannot be read or written.
    """
    if not (folder / VERDICT).is_file():
        raise UsageError(f"{folder} holds no report: {VERDICT} is missing")
    document, measures = read_verdict(folder), read_measures(folder)
    replace(folder / PAGE, report_html(document, measures, folder / HISTORY, grafana_url))
    return [folder / PAGE]
