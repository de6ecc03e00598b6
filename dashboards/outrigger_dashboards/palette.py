"""What has which colour, on every board: a status never changes its colour from panel to panel."""

from collections.abc import Mapping

GREEN = "green"
YELLOW = "yellow"
ORANGE = "orange"
RED = "red"
BLUE = "blue"
PURPLE = "purple"
GREY = "#8e8e8e"
DARK_RED = "dark-red"
LIGHT_BLUE = "light-blue"
SEMI_DARK_ORANGE = "semi-dark-orange"

COLOURS: Mapping[str, str] = {
    # outcomes and statuses
    "success": GREEN,
    "ok": GREEN,
    "delivered": GREEN,
    "done": GREEN,
    "created": GREEN,
    "error": RED,
    "failed": RED,
    "server_error": RED,
    "fail": RED,
    "timeout": DARK_RED,
    "given_up": DARK_RED,
    "interrupted": BLUE,
    "cancelled": GREY,
    "rolled_back": PURPLE,
    "pending": YELLOW,
    "running": LIGHT_BLUE,
    "rejected": ORANGE,
    "enqueued": YELLOW,
    "superseded": BLUE,
    "client_disconnect": GREY,
    "slow_reader": SEMI_DARK_ORANGE,
    "degraded": YELLOW,
    "unknown": GREY,
    # double-texting
    "reject": ORANGE,
    "enqueue": YELLOW,
    "interrupt": BLUE,
    "rollback": PURPLE,
    # slots
    "busy": LIGHT_BLUE,
    "idle": GREEN,
    "zombie": RED,
    # answers
    "1xx": GREY,
    "2xx": GREEN,
    "3xx": BLUE,
    "4xx": ORANGE,
    "5xx": RED,
    # where a run's time goes
    "waiting": YELLOW,
    "model": PURPLE,
    "tools": BLUE,
    "checkpoints": ORANGE,
    "own code": GREEN,
    # attempts
    "first": GREEN,
    "retry": ORANGE,
    "recovered": RED,
    # tokens
    "input": BLUE,
    "output": GREEN,
    "cache_read": GREY,
    "reasoning": PURPLE,
}
