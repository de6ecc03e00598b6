"""Pieces that several requests share."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from outrigger_server.domain.nul import NUL, holds_nul
from outrigger_server.graphs.invoke import STREAM_MODES

MAX_PAGE = 1000


class WireModel(BaseModel):
    """A request body: unknown fields are ignored, as the protocol's servers do."""

    model_config = ConfigDict(extra="ignore")


def _stream_modes(value: object) -> object:
    modes = [value] if isinstance(value, str) else ["values"] if value == [] else value
    if not isinstance(modes, list) or not modes:
        msg = f"give one stream mode or a list of them: {', '.join(STREAM_MODES)}"
        raise ValueError(msg)
    for mode in modes:
        if mode not in STREAM_MODES:
            msg = f"{mode!r} is not a stream mode; use one of {', '.join(STREAM_MODES)}"
            raise ValueError(msg)
    return modes


_MODE = {"type": "string", "enum": list(STREAM_MODES)}
StreamModes = Annotated[
    list[str],
    BeforeValidator(_stream_modes),
    WithJsonSchema({"anyOf": [_MODE, {"type": "array", "items": _MODE, "minItems": 1}]}),
]


def _without_nul(wanted: Any) -> Any:
    if holds_nul(wanted):
        msg = "a NUL character cannot be searched for"
        raise ValueError(msg)
    return wanted


Searched = Annotated[dict[str, Any] | None, AfterValidator(_without_nul)]
"""What is looked for in JSON."""

SearchedText = Annotated[str | None, AfterValidator(_without_nul)]
"""What is looked for in a text."""


def _comparable(wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    # SQLite reads a text up to its first NUL only; deeper in a value it compares JSON.
    for key, value in (wanted or {}).items():
        if NUL in key or (isinstance(value, str) and NUL in value):
            msg = "a NUL character cannot be searched for"
            raise ValueError(msg)
    return wanted


Wanted = Annotated[dict[str, Any] | None, AfterValidator(_comparable)]
"""Entries of a JSON object that must be equal."""


def _without_nul_text(text: str) -> str:
    if NUL in text:
        msg = "NUL characters cannot be stored"
        raise ValueError(msg)
    return text


PlainText = Annotated[str, AfterValidator(_without_nul_text)]
"""Text that every database can hold in a column."""

Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
Offset = Annotated[int, Field(ge=0, le=2**31)]


class ConfigBody(BaseModel):
    """A run's configuration."""

    model_config = ConfigDict(extra="ignore")

    tags: list[str] | None = None
    recursion_limit: Annotated[int, Field(ge=1)] | None = None
    max_concurrency: Annotated[int, Field(ge=1)] | None = None
    configurable: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class CheckpointBody(WireModel):
    """Where in the history something happens."""

    checkpoint_id: str | None = None
    checkpoint_ns: PlainText = ""
    checkpoint_map: dict[PlainText, str] | None = None
