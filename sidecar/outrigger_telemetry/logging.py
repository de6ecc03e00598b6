"""Sets up logging for a program: one JSON object, or one readable line, per event on stdout.

Our own loggers go straight to the renderer; those of libraries (uvicorn, alembic) come in
through one handler. Secrets are taken out, fields are bounded, lines are counted, and a
full pipe never blocks the caller. What is logged is up to the callers.
"""

import atexit
import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger
from typing_extensions import override

from outrigger_telemetry.line_output import LineOutput
from outrigger_telemetry.metric_specs import LOG_LINES_TOTAL
from outrigger_telemetry.metrics import Metrics
from outrigger_telemetry.redaction import may_hold_secret, redact_event, redact_text

LogFormat = Literal["json", "console"]
Event = MutableMapping[str, Any]
Render = Callable[[Event], bytes]

MAX_TEXT = 2_000
MAX_EXCEPTION_TEXT = 8_000
MAX_ITEMS = 50
MAX_DEPTH = 4
# A secret that straddles a cut is found whole, or its open-ended pattern still matches.
_MARGIN = 200
_LEVELS = {"warn": "warning", "exception": "error", "fatal": "critical", "msg": "info"}
_STDOUT = 1
_CONTAINERS = (dict, list, tuple, set, frozenset)
# They log at INFO what ours says better: requests, starts and stops, migrations.
_CHATTY = ("httpx", "httpcore", "uvicorn.error", "alembic")


class LineLogger:
    """What structlog calls with a rendered line, by the name of the level."""

    def __init__(self, output: LineOutput, name: str) -> None:
        self.name = name
        self.msg = output.write

    debug = info = warning = error = critical = lambda self, line: self.msg(line)


class LibraryHandler(logging.Handler):
    """Sends records of libraries down the same way as our own events."""

    def __init__(self, render: Render, output: LineOutput) -> None:
        super().__init__()
        self.output = output
        self._render = render

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            event: Event = {"event": record.getMessage(), "logger": record.name}
            structlog.contextvars.merge_contextvars(None, record.levelname.lower(), event)
            if record.exc_info:
                event["exc_info"] = record.exc_info
            event["level"] = record.levelname.lower()
            self.output.write(self._render(event))
        except Exception:  # noqa: BLE001  a broken log call must not break its caller
            self.handleError(record)


def configure_logging(
    *,
    service: str,
    format: LogFormat,  # noqa: A002  the name of the setting
    level: str,
    metrics: Metrics | None = None,
    descriptor: int = _STDOUT,
) -> LineOutput:
    """Send all logs of this process to `descriptor`; replaces an earlier set-up.

    Lines still queued are written at exit. The returned output need not be closed.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    render = _renderer(service, format, metrics, is_terminal=sys.stdout.isatty())
    output = LineOutput(descriptor, describe_drops=lambda count: render(_drops(count)))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _set_origin,
            lambda _logger, _method, event: render(event),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda name="root": LineLogger(output, name),
        cache_logger_on_first_use=False,
    )
    _take_over_libraries(LibraryHandler(render, output), number)
    atexit.register(output.close)
    return output


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger called `name`; may be called before `configure_logging`."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))


def _take_over_libraries(handler: LibraryHandler, level: int) -> None:
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, LibraryHandler):
            root.removeHandler(old)
            atexit.unregister(old.output.close)
            old.output.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        _reset(logging.getLogger(name))
    access = logging.getLogger("uvicorn.access")
    _reset(access)
    access.propagate = False
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _reset(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True


def _set_origin(logger: LineLogger, method: str, event: Event) -> Event:
    event["logger"] = logger.name
    event["level"] = _LEVELS.get(method, method)
    return event


def _drops(count: int) -> Event:
    return {
        "event": "log_lines_dropped",
        "level": "warning",
        "logger": __name__,
        "count": count,
    }


def _renderer(
    service: str, kind: LogFormat, metrics: Metrics | None, *, is_terminal: bool
) -> Render:
    show = _as_json if kind == "json" else _as_console(is_terminal=is_terminal)

    def render(event: Event) -> bytes:
        name = event.pop("logger", "root")
        level = event.pop("level", "info")
        if metrics is not None:
            group = name.partition(".")[0]
            metrics.increment(LOG_LINES_TOTAL, level=level, logger_group=group)
        text = event.pop("event", "")
        if "exc_info" in event or "stack_info" in event:
            _write_out_exception(event)
        ordered: Event = {
            "timestamp": _now(),
            "level": level,
            "event": text if isinstance(text, str) else str(text),
            "logger": name,
            "service": service,
            **event,
        }
        _bound_fields(ordered, MAX_TEXT + _MARGIN)
        line = show(ordered)
        if not may_hold_secret(line):
            return line
        return show(_bound_fields(redact_event(None, level, ordered), MAX_TEXT))

    return render


def _write_out_exception(event: Event) -> None:
    structlog.processors.format_exc_info(None, "", event)
    event.pop("stack_info", None)
    exception = event.get("exception")
    if isinstance(exception, str) and len(exception) > MAX_EXCEPTION_TEXT:
        # The end says what happened; redacted first, for a cut could hide a secret's sign.
        event["exception"] = "…" + redact_text(exception)[-MAX_EXCEPTION_TEXT:]


def _bound_fields(event: Event, limit: int) -> Event:
    for key, value in event.items():
        if type(value) is str and len(value) <= limit:
            continue
        if isinstance(value, (str, bytes)):
            if key != "exception":
                event[key] = _cut(value, limit)
        elif isinstance(value, _CONTAINERS):
            event[key] = _bounded(value, limit, 0)
    return event


def _bounded(value: Any, limit: int, depth: int) -> Any:
    if isinstance(value, (str, bytes)):
        return _cut(value, limit)
    if depth >= MAX_DEPTH and isinstance(value, _CONTAINERS):
        return "…"
    if isinstance(value, dict):
        kept = list(value.items())[:MAX_ITEMS]
        return {key: _bounded(item, limit, depth + 1) for key, item in kept}
    if isinstance(value, _CONTAINERS):
        return [_bounded(item, limit, depth + 1) for item in list(value)[:MAX_ITEMS]]
    return value


def _cut(value: str | bytes, limit: int) -> str:
    text = value if isinstance(value, str) else value[: limit + 1].decode("utf-8", "replace")
    return text if len(text) <= limit else text[:limit] + "…"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _as_json(event: Event) -> bytes:
    try:
        return orjson.dumps(
            event,
            default=_plain,
            option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS,
        )
    except TypeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(
            {str(key): value for key, value in event.items()}, default=_plain
        ).encode()


def _plain(value: object) -> str:
    """Show a value that JSON has no form for; of unknown objects only their type is safe."""
    if isinstance(value, BaseException):
        text = f"{type(value).__name__}: {value}"
    elif isinstance(value, PurePath):
        text = str(value)
    else:
        return f"<{type(value).__name__}>"
    return _cut(redact_text(text[: MAX_TEXT + _MARGIN]), MAX_TEXT)


def _as_console(*, is_terminal: bool) -> Render:
    renderer = structlog.dev.ConsoleRenderer(
        colors=is_terminal, exception_formatter=structlog.dev.plain_traceback
    )

    def show(event: Event) -> bytes:
        shown = {key: _shown(value) for key, value in event.items() if key != "service"}
        return renderer(None, "", shown).encode("utf-8", "replace")

    return show


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, dict, list)):
        return value
    return _plain(value)
