"""Reads behaviour profiles; a bad one is refused with its field, what is wrong, what to do."""

import csv
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from outrigger_loadtests.behaviour.profile import Behaviour, Mix, Recorded, Strategies
from outrigger_loadtests.errors import UsageError

DEFAULT = "default"
SHIPPED = (DEFAULT, "assistant", "storm", "drip", "hot_thread")
MOST_RECORDED = 200_000
_STRATEGIES = tuple(each.name for each in msgspec.structs.fields(Strategies))
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<field>.*)`)?", re.DOTALL)
_COLUMNS = ("at", "thread", "seconds", "strategy")
_NEEDED = ("at", "thread")


def shipped(name: str) -> Behaviour:
    """Return a profile that comes with this package."""
    text = files("outrigger_loadtests.behaviour").joinpath(f"shipped/{name}.toml").read_text()
    return _behaviour(tomllib.loads(text), name)


def read_behaviour(given: str) -> Behaviour:
    """Return the profile in a TOML file, or the shipped one of that name.

    Raises:
        UsageError: It cannot be read; says which field, what is wrong with it and what to do.
    """
    if given in SHIPPED:
        return shipped(given)
    path = Path(given)
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise _refused(
            given, "", error.strerror or str(error), f"name a TOML file or {', '.join(SHIPPED)}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(given, "", str(error), "write it as TOML") from error
    if "recording" in table:
        raise _refused(given, "recording", "it is no field", "put the messages into a CSV file")
    behaviour = _behaviour(table, given)
    if not behaviour.replay:
        return behaviour
    recording = read_recording(path.parent / behaviour.replay)
    return msgspec.structs.replace(behaviour, recording=recording)


def read_recording(path: Path) -> tuple[Recorded, ...]:
    """Return the messages in a CSV file with the columns at, thread, seconds and strategy.

    The last two may be left out or empty. They come back in order of time.

    Raises:
        UsageError: It cannot be read; says which line and field, what is wrong and what to do.
    """
    name = f"{path}"
    try:
        with path.open(newline="") as file:
            found = _rows(name, csv.DictReader(file, strict=True))
    except OSError as error:
        reason = error.strerror or str(error)
        raise _refused(name, "", reason, "name a CSV file beside the profile") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refused(name, "", str(error), f"write {', '.join(_COLUMNS)} as CSV") from error
    if not found:
        raise _refused(name, "", "no message is in it", "record at least one")
    return tuple(sorted(found, key=lambda each: each.at))


def _rows(name: str, reader: "csv.DictReader[str]") -> list[Recorded]:
    columns = list(reader.fieldnames or ())
    for column in (*_NEEDED, *columns):
        if column not in columns or column not in _COLUMNS:
            wrong = "is missing" if column not in columns else "is not known"
            hint = f"the first line names the columns {', '.join(_COLUMNS)}"
            raise _refused(name, column, f"the column {wrong}", hint)
    found: list[Recorded] = []
    for row in reader:
        if len(found) >= MOST_RECORDED:
            raise _refused(name, "", f"more than {MOST_RECORDED} lines", "replay a part of it")
        found.append(_recorded(f"{name}, line {reader.line_num}", row))
    return found


def _recorded(place: str, row: Mapping[Any, Any]) -> Recorded:
    if None in row or None in row.values():
        hint = "give every column a value, or an empty one"
        raise _refused(place, "", "it has more or fewer values than columns", hint)
    given = {key: value for key, value in row.items() if value}
    if not row["thread"]:
        raise _refused(place, "thread", "it is empty", "name the thread")
    strategy = row.get("strategy", "")
    if strategy and strategy not in _STRATEGIES:
        hint = f"use one of {', '.join(_STRATEGIES)}, or nothing"
        raise _refused(place, "strategy", f"{strategy!r} is not known", hint)
    try:
        return msgspec.convert(given, Recorded, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(place, error, "give seconds from 0 to 3600") from error


def _behaviour(table: Mapping[str, Any], name: str) -> Behaviour:
    try:
        found = msgspec.convert(table, Behaviour)
    except msgspec.ValidationError as error:
        raise _invalid(name, error, "see docs/capacity.md for what may stand there") from error
    _must_be_finite(table, name, "")
    _must_make_sense(found, name)
    return found


def _must_be_finite(table: Any, name: str, field: str) -> None:
    """Refuse `nan` and `inf`, which TOML knows."""
    if isinstance(table, Mapping):
        for key, value in table.items():
            _must_be_finite(value, name, f"{field}.{key}".lstrip("."))
    elif isinstance(table, list):
        for each in table:
            _must_be_finite(each, name, field)
    elif isinstance(table, float) and not math.isfinite(table):
        raise _refused(name, field, f"{table} is no number", "give a finite one")


def _must_make_sense(found: Behaviour, name: str) -> None:
    """Refuse what no single field shows."""
    bounds = {
        "conversation.runs": found.conversation.runs,
        "conversation.seconds": found.conversation.seconds,
        "double_click": (found.double_click.least, found.double_click.most),
    }
    for field, (least, most) in bounds.items():
        if least > most:
            raise _refused(name, field, f"{least:g} is more than {most:g}", "turn them round")
    if not found.replay and not any(_weights(found.mix)):
        raise _refused(name, "mix", "nothing has a weight", "give one of them more than 0")
    if not any(_weights(found.strategies)):
        raise _refused(name, "strategies", "all weights are 0", "give one of them more than 0")


def _weights(table: Mix | Strategies) -> Iterable[float]:
    return msgspec.structs.astuple(table)


def _invalid(name: str, error: msgspec.ValidationError, hint: str) -> UsageError:
    match = _PLACE.fullmatch(str(error))
    what, field = (match["what"], match["field"] or "") if match else (str(error), "")
    return _refused(name, field, what, hint)


def _refused(name: str, field: str, what: str, hint: str) -> UsageError:
    place = f"{name}: {field}" if field else name
    return UsageError(f"--profile: {place}: {what[:1].lower()}{what[1:]}; {hint}")
