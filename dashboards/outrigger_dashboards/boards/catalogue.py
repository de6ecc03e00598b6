"""All boards. A new one is a file and a line here."""

from outrigger_dashboards.boards import (
    http,
    load,
    models,
    overview,
    queue,
    runs,
    sidecar,
    stores,
    streaming,
)
from outrigger_dashboards.panels import Board

BOARDS: tuple[Board, ...] = (
    overview.BOARD,
    runs.BOARD,
    queue.BOARD,
    streaming.BOARD,
    http.BOARD,
    models.BOARD,
    stores.BOARD,
    sidecar.BOARD,
    load.BOARD,
)
