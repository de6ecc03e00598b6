"""What is shipped, built once for each test process."""

from pathlib import Path

import pytest

from outrigger_dashboards.artifacts import generated
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.config import Config
from outrigger_dashboards.drawing.board import panel_ids, panel_scope
from outrigger_dashboards.metrics.catalogue import Catalogue, full_catalogue
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.scope import Scope


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return full_catalogue()


@pytest.fixture(scope="session")
def scope(catalogue: Catalogue) -> Scope:
    """How panels are drawn."""
    return panel_scope(catalogue)


@pytest.fixture(scope="session")
def ids() -> dict[Target, int]:
    return panel_ids(BOARDS)


@pytest.fixture(scope="session")
def built(catalogue: Catalogue) -> dict[str, str]:
    """Every generated file, made now."""
    return generated(Config(), catalogue)


@pytest.fixture(scope="session")
def built_folder(built: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, as files."""
    folder = tmp_path_factory.mktemp("built")
    for name, text in built.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
