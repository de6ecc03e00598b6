"""JSON as columns hold it."""

import json

import orjson


def json_text(value: object) -> str:
    """The value as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # integers beyond 64 bits, which the standard library takes
        return json.dumps(value)
