"""Graphs' values as JSON: messages, pydantic models and whatever else a state may hold."""

import base64
import json
from collections import deque
from typing import Any

import orjson
from pydantic import BaseModel

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def encode(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8; NaN becomes null.

    Objects that JSON does not know become what reads best: a model its fields, a set a
    list, an error its class and text, anything else its `str`.
    """
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits and lone surrogates: the standard library takes them.
        text = json.dumps(value, default=_plain_for_json, separators=(",", ":"))
        return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, (set, frozenset, deque)):
        return list(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


def _plain_for_json(value: Any) -> Any:
    if isinstance(value, orjson.Fragment):
        return json.loads(value.contents)
    return _plain(value)
