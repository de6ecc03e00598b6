"""JSON as columns hold it."""

import json
from typing import Any

import orjson


def json_text(value: object) -> str:
    """The value as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # integers beyond 64 bits, which the standard library takes
        return json.dumps(value)


def json_value(text: str | bytes) -> Any:
    """The value of JSON text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # halves of emojis, which the standard library takes
        return json.loads(text)
