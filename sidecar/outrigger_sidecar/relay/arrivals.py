"""Reads what a sender sent into run operations, each with the bytes to keep of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from outrigger_sidecar.errors import RefusedTrace
from outrigger_sidecar.relay import json_text
from outrigger_sidecar.relay.limits import Limits
from outrigger_sidecar.relay.multipart import Part, boundary_of, split
from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.relay.records import NO_FACTS, NO_ID, Fact

Kind = Literal["post", "patch", "feedback"]

OUT_OF_BAND = ("inputs", "outputs", "events", "extra", "error", "serialized")
"""What has a part of its own in a multipart body."""

# They end a step on purpose: a pause for a person, a jump to the parent graph.
_CONTROL_FLOW = (b'"GraphInterrupt(', b'"ParentCommand(', b'"NodeInterrupt(', b'"GraphBubbleUp(')
_CONTENT_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_SHOWN_NAME = 60


@dataclass(slots=True)
class Piece:
    """One part of an arrival. `head` holds its headers, None where there were none."""

    name: str
    head: bytes | None
    content: bytes
    start: int = -1
    """Where `content` begins in the body; -1 when it was not taken from one."""
    is_json: bool = True


@dataclass(slots=True)
class Arrival:
    """One operation as it came."""

    kind: Kind
    run: bytes
    trace: bytes
    pieces: list[Piece]
    operation: RunOperation | None = None
    facts: Fact = NO_FACTS
    seconds: float = 0.0


def read_multipart(body: bytes, content_type: str, limits: Limits) -> list[Arrival]:
    """Read the body of `POST /runs/multipart`.

    Raises:
        RefusedTrace: It is too large, not whole, or holds a part that nobody knows.
    """
    arrivals: list[Arrival] = []
    open_runs: dict[str, Arrival] = {}
    latest: dict[str, Arrival] = {}
    for part in split(body, boundary_of(content_type), limits):
        piece = Piece(part.name, body[part.head : part.start], body[part.start : part.end])
        piece.start = part.start
        first, _, rest = part.name.partition(".")
        identity, _, detail = rest.partition(".")
        if first in ("post", "patch") and not detail:
            kind: Kind = "post" if first == "post" else "patch"
            arrival = Arrival(kind, _id(identity, part), NO_ID, [piece])
            arrivals.append(arrival)
            open_runs[part.name] = latest[identity] = arrival
        elif first in ("post", "patch") and detail in OUT_OF_BAND:
            _owner(open_runs, f"{first}.{identity}", part).pieces.append(piece)
        elif first == "attachment" and detail:
            piece.is_json = False
            _owner(latest, identity, part).pieces.append(piece)
        elif first == "feedback" and not detail:
            arrivals.append(Arrival("feedback", _id(identity, part), NO_ID, [piece]))
        else:
            raise _unknown(part)
    for arrival in arrivals:
        _complete(arrival)
    return arrivals


def _id(text: str, part: Part) -> bytes:
    try:
        found = bytes.fromhex(text.replace("-", ""))  # a third of what UUID() takes
    except ValueError:
        found = b""
    if len(found) != len(NO_ID):
        raise _unknown(part)
    return found


def _owner(known: Mapping[str, Arrival], key: str, part: Part) -> Arrival:
    owner = known.get(key)
    if owner is None:
        raise RefusedTrace(422, "malformed", f"no run comes before the part {_shown(part)}")
    return owner


def _unknown(part: Part) -> RefusedTrace:
    return RefusedTrace(422, "unknown_part", f"no part is called {_shown(part)}")


def _shown(part: Part) -> str:
    return ascii(part.name[:_SHOWN_NAME])


def _complete(arrival: Arrival) -> None:
    base = _load_object(arrival.pieces[0].content)
    trace = base.get("trace_id")
    if arrival.kind == "feedback":
        arrival.trace = _uuid(trace) or NO_ID
        return
    arrival.trace = _uuid(trace) or NO_ID
    if arrival.trace == NO_ID:
        raise RefusedTrace(422, "malformed", "a run of a batch has no trace_id that is a UUID")
    by_field = {each.name.rpartition(".")[2]: each.content for each in arrival.pieces[1:]}
    _describe(arrival, base, by_field)


def _describe(arrival: Arrival, base: Mapping[str, Any], by_field: Mapping[str, bytes]) -> None:
    error = by_field.get("error")
    arrival.operation = RunOperation(
        kind="post" if arrival.kind == "post" else "patch",
        run_id=str(base.get("id") or UUID(bytes=arrival.run)),
        trace_id=str(base.get("trace_id") or ""),
        fields=base,
        error=error,
        extra=by_field.get("extra"),
        events=by_field.get("events"),
        outputs=by_field.get("outputs"),
    )
    arrival.facts |= facts_of(base, error)
    if arrival.facts & Fact.ROOT and arrival.facts & Fact.ENDED:
        arrival.seconds = _seconds(base.get("start_time"), base.get("end_time"))


def facts_of(base: Mapping[str, Any], error: bytes | None) -> Fact:
    """Say what the sampling has to know of an operation."""
    facts = NO_FACTS
    if not base.get("parent_run_id"):
        facts |= Fact.ROOT
    if base.get("end_time"):
        facts |= Fact.ENDED
    if error is not None and error != b"null" and not error.startswith(_CONTROL_FLOW):
        facts |= Fact.ERROR
    return facts


def read_batch(body: bytes) -> list[Arrival]:
    """Read the body of `POST /runs/batch`.

    Raises:
        RefusedTrace: It is not such a body.
    """
    content = _load_object(body)
    arrivals: list[Arrival] = []
    kinds: tuple[Literal["post", "patch"], ...] = ("post", "patch")
    for kind in kinds:
        runs = content.get(kind) or []
        if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
            raise RefusedTrace(422, "malformed", f"{kind} must be a list of runs")
        arrivals += [_from_run(kind, run, run.get("id")) for run in runs]
    return arrivals


def read_single(kind: Literal["post", "patch"], body: bytes, run_id: str | None) -> list[Arrival]:
    """Read the body of `POST /runs`, or of `PATCH /runs/{run_id}`.

    Raises:
        RefusedTrace: It is not such a body.
    """
    run = _load_object(body)
    return [_from_run(kind, run, run_id or run.get("id"))]


def _from_run(kind: Literal["post", "patch"], run: dict[str, Any], run_id: Any) -> Arrival:
    identity = _uuid(run_id)
    if identity is None:
        raise RefusedTrace(422, "malformed", "a run has no id that is a UUID")
    arrival = Arrival(kind, identity, _uuid(run.get("trace_id")) or NO_ID, [])
    base = {name: value for name, value in run.items() if name not in OUT_OF_BAND}
    base.setdefault("id", str(UUID(bytes=identity)))
    apart = {name: json_text.dumps(run[name]) for name in OUT_OF_BAND if run.get(name) is not None}
    if arrival.trace == NO_ID or not run.get("dotted_order"):
        # What the multipart endpoint asks for is missing: it goes on as it came.
        arrival.facts = Fact.SINGLE_POST if kind == "post" else Fact.SINGLE_PATCH
        arrival.pieces = [Piece("", None, json_text.dumps(run))]
    else:
        arrival.pieces = _made_pieces(f"{kind}.{UUID(bytes=identity)}", base, apart.items())
    _describe(arrival, base, apart)
    return arrival


def _made_pieces(
    name: str, base: Mapping[str, Any], apart: Iterable[tuple[str, bytes]]
) -> list[Piece]:
    found = [(name, json_text.dumps(base))]
    found += [(f"{name}.{detail}", content) for detail, content in apart]
    return [Piece(each, head_of(each, len(content)), content) for each, content in found]


def head_of(name: str, length: int, content_type: str = "application/json") -> bytes:
    """Make the headers of a part."""
    return (
        f'Content-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def content_type_of(head: bytes) -> str:
    """Return the Content-Type in the headers of a part."""
    found = _CONTENT_TYPE.search(head)
    return found[1].decode("latin-1") if found else "application/json"


def _load_object(content: bytes) -> dict[str, Any]:
    try:
        found = json_text.loads(content)
    except ValueError:
        raise RefusedTrace(422, "malformed", "a run is not valid JSON") from None
    if not isinstance(found, dict):
        raise RefusedTrace(422, "malformed", "a run is not a JSON object")
    return found


def _uuid(value: Any) -> bytes | None:
    try:
        return UUID(value).bytes if isinstance(value, str) else None
    except ValueError:
        return None


def _seconds(start: Any, end: Any) -> float:
    try:
        return (_moment(end) - _moment(start)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return float("inf")  # not known to be fast: kept


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=None)
