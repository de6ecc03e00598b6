import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from outrigger_telemetry.line_output import LineOutput
from outrigger_telemetry.logging import MAX_TEXT, configure_logging, get_logger
from outrigger_telemetry.metric_specs import LOG_LINES_TOTAL
from outrigger_telemetry.metrics import local_metrics

Configure = Callable[..., Callable[[], list[str]]]


@pytest.fixture
def configure() -> Iterator[Configure]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    opened: list[int] = []
    outputs: list[LineOutput] = []

    def start(**options: Any) -> Callable[[], list[str]]:
        reader, writer = os.pipe()
        opened.extend((reader, writer))
        settings = {"service": "test", "format": "json", "level": "info", **options}
        output = configure_logging(**settings, descriptor=writer)
        outputs.append(output)

        def lines() -> list[str]:
            output.close()
            os.set_blocking(reader, False)
            return os.read(reader, 1 << 20).decode().splitlines()

        return lines

    yield start
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)
    structlog.reset_defaults()
    for output in outputs:
        output.close()
    for descriptor in opened:
        os.close(descriptor)


def test_event_is_one_json_object_with_who_when_and_what(configure: Configure) -> None:
    lines = configure()

    get_logger("outrigger_server.runs").info("run_finished", run_id="r1", attempt=2)

    (line,) = map(json.loads, lines())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "event": "run_finished",
        "logger": "outrigger_server.runs",
        "service": "test",
        "run_id": "r1",
        "attempt": 2,
    }


def test_logger_made_before_the_set_up_works(configure: Configure) -> None:
    log = get_logger("early")
    lines = configure()

    log.warning("hello")

    assert json.loads(lines()[0])["logger"] == "early"


def test_bound_context_is_on_every_line_of_libraries_too(configure: Configure) -> None:
    lines = configure()

    with structlog.contextvars.bound_contextvars(request_id="q1"):
        get_logger("ours").info("one")
        logging.getLogger("alembic.runtime").warning("two %s", "three")

    ours, theirs = map(json.loads, lines())
    assert ours["request_id"] == theirs["request_id"] == "q1"
    assert (theirs["event"], theirs["level"]) == ("two three", "warning")
    assert (theirs["logger"], theirs["service"]) == ("alembic.runtime", "test")


def test_secrets_are_taken_out_of_fields_texts_and_exceptions(configure: Configure) -> None:
    lines = configure()
    log = get_logger("ours")

    def connect() -> None:
        message = "cannot reach postgres://me:hunter22@db/x with sk-abcdefghijklmnop"
        raise ConnectionError(message)

    try:
        connect()
    except ConnectionError:
        log.exception("broke", password="hunter22", input_tokens=3)
        logging.getLogger("library").exception("their Bearer abcdefghijkl")

    text = "\n".join(lines())
    assert "ConnectionError" in text
    assert '"input_tokens":3' in text
    for secret in ("hunter22@", '"hunter22"', "sk-abc", "abcdefghijkl"):
        assert secret not in text


def test_long_fields_are_cut(configure: Configure) -> None:
    lines = configure()

    get_logger("ours").info("big", text="x" * 100_000, many=list(range(10_000)))

    line = json.loads(lines()[0])
    assert len(line["text"]) <= MAX_TEXT + 201
    assert len(line["many"]) == 50


def test_what_json_cannot_hold_breaks_no_caller(configure: Configure) -> None:
    lines = configure()
    log = get_logger("ours")

    log.info("odd", thing=object(), huge=2**80, lone="\ud800", error=ValueError("why"))
    logging.getLogger("library").info("fits")

    odd, fits = map(json.loads, lines())
    assert (odd["thing"], odd["huge"]) == ("<object>", 2**80)
    assert odd["error"] == "ValueError: why"
    assert fits["event"] == "fits"


def test_lines_below_the_level_are_not_written(configure: Configure) -> None:
    lines = configure(level="warning")

    get_logger("ours").info("quiet")
    logging.getLogger("library").info("quiet")
    get_logger("ours").error("loud")

    assert [json.loads(line)["event"] for line in lines()] == ["loud"]


def test_lines_of_libraries_that_ours_say_better_are_off(configure: Configure) -> None:
    lines = configure()

    logging.getLogger("uvicorn.access").info("GET /ok 200")
    logging.getLogger("httpx").info("HTTP Request")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("alembic.runtime").info("setup plugin")
    logging.getLogger("uvicorn.error").warning("worth a line")

    assert [json.loads(line)["event"] for line in lines()] == ["worth a line"]


def test_lines_are_counted_by_level_and_group(configure: Configure) -> None:
    metrics = local_metrics()
    configure(metrics=metrics)

    get_logger("outrigger_server.api").warning("one")
    logging.getLogger("uvicorn.error").warning("two")

    for group in ("outrigger_server", "uvicorn"):
        assert metrics.value(LOG_LINES_TOTAL, level="warning", logger_group=group) == 1


def test_setting_up_again_replaces_the_first(configure: Configure) -> None:
    first = configure()
    second = configure()

    logging.getLogger("library").info("once")

    assert len(second()) == 1
    with pytest.raises(BlockingIOError):
        first()


def test_console_shows_one_readable_line(configure: Configure) -> None:
    lines = configure(format="console")

    get_logger("ours").info("run_finished", run_id="r1", token="hush")

    (line,) = lines()
    assert "run_finished" in line
    assert "run_id=r1" in line
    assert "hush" not in line
