"""Conditions on what JSON in a column holds, which every database asks in its own words."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from outrigger_server.stores.dialect import POSTGRESQL
from outrigger_server.stores.json_text import json_text

EXACT_NUMBER = 2**53
"""Larger numbers are compared as every reader of JSON has them."""

EntryTest = Callable[[ColumnElement[Any], str, Any], ColumnElement[bool]]
"""True when the JSON object in a column has exactly this value under a key."""


def entry_test(connection: Connection) -> EntryTest:
    """The test for the connection's database."""
    return _postgres_test if connection.dialect.name == POSTGRESQL else _sqlite_test


def _postgres_test(column: ColumnElement[Any], key: str, value: Any) -> ColumnElement[bool]:
    if "\0" in key or (isinstance(value, float) and not math.isfinite(value)):
        return false()  # no object that jsonb can hold has that
    # Made by a migration: it puts a stand-in for what jsonb cannot hold, where a cast would fail.
    found = func.outrigger_json(cast(column, Text), type_=JSONB)
    if isinstance(value, (int, float)) and abs(value) > EXACT_NUMBER:
        is_number = func.jsonb_typeof(found[key]) == "number"
        return case((is_number, cast(found[key].astext, Double) == float(value)), else_=false())
    return found[key] == func.outrigger_json(json_text(value), type_=JSONB)


_SQLITE_TYPES: Mapping[type, tuple[str, ...]] = {
    str: ("text",),
    int: ("integer", "real"),
    float: ("integer", "real"),
    list: ("array",),
    dict: ("object",),
}


def _sqlite_test(column: ColumnElement[Any], key: str, value: Any) -> ColumnElement[bool]:
    entry = func.json_each(column).table_valued("key", "value", "type")
    if value is None or isinstance(value, bool):
        wanted = entry.c.type == orjson.dumps(value).decode()
    else:
        if isinstance(value, int) and abs(value) >= 2**63:
            value = float(value)  # as SQLite reads such a number
        given = value if isinstance(value, (str, int, float)) else func.json(_text(value))
        wanted = and_(entry.c.type.in_(_SQLITE_TYPES[type(value)]), entry.c.value == given)
    return exists(select(1).select_from(entry).where(entry.c.key == key, wanted))


def element_test(connection: Connection) -> EntryTest:
    """True when the list under a key of the JSON object has this text, number or truth value."""
    return _postgres_element if connection.dialect.name == POSTGRESQL else _sqlite_element


def _postgres_element(column: ColumnElement[Any], key: str, value: Any) -> ColumnElement[bool]:
    if "\0" in key:
        return false()
    found = func.outrigger_json(cast(column, Text), type_=JSONB)
    # Only a list contains a list.
    return found[key].contains(func.outrigger_json(json_text([value]), type_=JSONB))


def _sqlite_element(column: ColumnElement[Any], key: str, value: Any) -> ColumnElement[bool]:
    entry = func.json_each(column).table_valued("key", "value", "type", name="entry")
    listed = case((entry.c.type == "array", entry.c.value), else_="[]")
    element = func.json_each(listed).table_valued("key", "value", "type", name="element")
    if value is None or isinstance(value, bool):
        wanted = element.c.type == orjson.dumps(value).decode()
    else:
        wanted = and_(element.c.type.in_(_SQLITE_TYPES[type(value)]), element.c.value == value)
    found = select(1).select_from(entry.join(element, true()))
    return exists(found.where(entry.c.key == key, wanted))


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
