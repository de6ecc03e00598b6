"""JSON as senders write it: strict and fast first, and lenient where that fails.

Python's own encoder writes NaN and halves of surrogate pairs, which are no JSON.
"""

import json
from typing import Any

import orjson


def loads(raw: bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        return orjson.loads(raw)
    except ValueError:
        try:
            return json.loads(raw.decode("utf-8", "replace"))
        except RecursionError as error:
            raise ValueError from error


def dumps(value: Any) -> bytes:
    """Write what `loads` read.

    Raises:
        ValueError: It is nested too deeply.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        try:
            return json.dumps(value).encode()
        except RecursionError as error:
            raise ValueError from error
