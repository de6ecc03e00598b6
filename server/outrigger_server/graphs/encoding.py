"""Graphs' values as JSON: messages, pydantic models and whatever else a state may hold."""

import base64
import dataclasses
import json
import math
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
        return json.dumps(_bare(value), separators=(",", ":"), allow_nan=False).encode()


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


def _bare(value: Any) -> Any:
    """`value` in the plain types of JSON alone, as deep as it goes."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _bare(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_asdict"):
        return [_bare(each) for each in value]
    if isinstance(value, orjson.Fragment):
        return json.loads(value.contents)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _bare(getattr(value, each.name)) for each in dataclasses.fields(value)}
    plain = _plain(value)
    return plain if isinstance(plain, str) else _bare(plain)
