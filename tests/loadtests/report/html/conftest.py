import pytest

from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.html.check_page import check_page
from outrigger_loadtests.report.measures import Measures, Stretch
from outrigger_loadtests.report.verdict_json import document


@pytest.fixture
def hostile_page(hostile_report):
    """The page of a report in which everything that can come from outside is hostile."""
    name = hostile_report.target.url
    measures = Measures(stages=(Stretch(name, 0, 10**9),), faults=(Stretch(name, 0, 10**9),))
    return check_page(document(hostile_report), measures, {})


@pytest.fixture
def cut_thread(cut_story):
    return read_thread(cut_story)
