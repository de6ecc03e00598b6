"""Reads, redacts and keeps what senders send."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from outrigger_sidecar.errors import RefusedTrace, SpoolUnavailable
from outrigger_sidecar.relay import arrivals as reading
from outrigger_sidecar.relay.arrivals import Arrival
from outrigger_sidecar.relay.encodings import decode
from outrigger_sidecar.relay.limits import Limits
from outrigger_sidecar.relay.operation import Deriver
from outrigger_sidecar.relay.records import NewRecord
from outrigger_sidecar.relay.scrubbing import ScrubbingError, scrub, suspicions
from outrigger_sidecar.relay.spool import Spool
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import (
    RELAY_DROPPED_RUNS_TOTAL,
    RELAY_INGESTED_RUNS_TOTAL,
    RELAY_REFUSED_REQUESTS_TOTAL,
)
from outrigger_telemetry.metrics import Metrics

FULL_DISK_SECONDS = 5

Route = Literal["multipart", "batch", "post", "patch"]

log = get_logger("outrigger_sidecar.relay")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender sent to one of the routes. `run_id` is that of a patch of a single run."""

    route: Route
    body: bytes
    content_type: str = ""
    encoding: str = ""
    run_id: str | None = None


class Intake:
    """Reads, redacts and keeps what was sent. Used by one thread at a time."""

    def __init__(
        self,
        limits: Limits,
        metrics: Metrics,
        deriver: Deriver,
        spool: Spool | None,
        *,
        redacts: bool,
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        self._deriver = deriver
        self._spool = spool
        self._redacts = redacts

    def take(self, sent: Sent) -> None:
        """Keep what was sent, or refuse all of it; without a spool only figures are kept.

        Raises:
            RefusedTrace: It is not taken; counted.
        """
        try:
            body = decode(sent.body, sent.encoding, limit=self._limits.decompressed)
            arrivals = self._read(sent, body)
            if self._spool is not None:
                self._keep(self._spool, arrivals, body)
        except RefusedTrace as error:
            self.refused(error)
            raise
        for arrival in arrivals:
            self._metrics.increment(RELAY_INGESTED_RUNS_TOTAL, kind=arrival.kind)
            if arrival.operation is not None:
                self._deriver.observe(arrival.operation)

    def refused(self, error: RefusedTrace) -> None:
        """Count a refusal."""
        self._metrics.increment(RELAY_REFUSED_REQUESTS_TOTAL, reason=error.reason)

    def _read(self, sent: Sent, body: bytes) -> list[Arrival]:
        match sent.route:
            case "multipart":
                return reading.read_multipart(body, sent.content_type, self._limits)
            case "batch":
                return reading.read_batch(body)
            case "post" | "patch":
                return reading.read_single(sent.route, body, sent.run_id)

    def _keep(self, spool: Spool, arrivals: Sequence[Arrival], body: bytes) -> None:
        kept = self._scrubbed(arrivals, body) if self._redacts else arrivals
        records = [_record(arrival) for arrival in kept]
        if not records:
            return
        try:
            spool.append(records)
        except SpoolUnavailable as error:
            log.exception("relay_spool_unavailable")
            raise RefusedTrace(
                503, "spool_unavailable", "the relay cannot write now", FULL_DISK_SECONDS
            ) from error

    def _scrubbed(self, arrivals: Sequence[Arrival], body: bytes) -> Sequence[Arrival]:
        suspected = suspicions(body)
        if not suspected:
            return arrivals
        kept: list[Arrival] = []
        for arrival in arrivals:
            try:
                scrub(arrival, suspected)
            except ScrubbingError:
                self._metrics.increment(RELAY_DROPPED_RUNS_TOTAL, reason="redaction_failed")
                log.warning("relay_operation_not_readable")
            else:
                kept.append(arrival)
        return kept


def _record(arrival: Arrival) -> NewRecord:
    parts = [(piece.head or b"") + piece.content for piece in arrival.pieces]
    return NewRecord(arrival.trace, arrival.run, arrival.facts, arrival.seconds, parts)
