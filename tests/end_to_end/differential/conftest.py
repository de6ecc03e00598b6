"""What both servers answered to the cases whose tests were selected."""

import shutil

import pytest

from harness.differential.both import GRAPHS, Both, ask_both
from harness.differential.case import Case
from harness.differential.cases.every import CASES


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Put the selected cases, or all when a test is about all of them, to two new servers."""
    folder = tmp_path_factory.mktemp("differential")
    project = folder / "project"
    shutil.copytree(GRAPHS, project, ignore=shutil.ignore_patterns("__pycache__"))
    return ask_both(folder, project, _selected(request.session.items))


def _selected(items: list[pytest.Item]) -> list[Case]:
    """The cases of the tests that use the fixture; all when one of them is of no single case."""
    mine = [item for item in items if "both" in getattr(item, "fixturenames", ())]
    specs = [getattr(item, "callspec", None) for item in mine]
    if None in specs:
        return list(CASES)
    titles = {spec.params["title"] for spec in specs if spec is not None}
    return [case for case in CASES if case.title in titles]
