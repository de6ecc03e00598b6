"""Pictures of a busy system: every board is drawn, and no panel says that it has no data."""

from pathlib import Path

import pytest

from harness.boards import boards
from harness.live_expressions import asked_by_panels, still_empty
from harness.picture_session import PROJECT, busy_prometheus
from harness.postgres import PostgresServer
from harness.redis import RedisServer
from outrigger_dashboards.preview.pictures import draw, last_minutes

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

MINUTES = 2.0
SMALLEST_PICTURE = 50_000
SIGNATURE = b"\x89PNG"
SECONDS = 60.0


def test_no_panel_of_a_busy_system_is_empty(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: RedisServer
) -> None:
    with busy_prometheus(tmp_path, postgres_server, redis_server) as prometheus:
        still_empty(prometheus, asked_by_panels(), set(), SECONDS)
        drawn = draw(
            str(prometheus.http.base_url),
            PROJECT.parent / "generated" / "grafana",
            PROJECT,
            tmp_path / "pictures",
            last_minutes(MINUTES),
        )
    assert {each.picture.stem for each in drawn} == set(boards())
    for each in drawn:
        assert each.picture.read_bytes().startswith(SIGNATURE)
        assert each.picture.stat().st_size > SMALLEST_PICTURE
    empty = {f"{each.picture.stem}: {title}" for each in drawn for title in each.empty}
    assert empty == set(), sorted(empty)
