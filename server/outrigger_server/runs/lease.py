"""Keeps the leases of live attempts from a plain thread, which no blocked loop can stop."""

import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from outrigger_server.domain.clock import MICROSECONDS, Clock
from outrigger_server.domain.run import AttemptToken
from outrigger_server.errors import Unavailable
from outrigger_server.stores.base import Database
from outrigger_server.stores.claims import Renewal, renew_leases
from outrigger_telemetry.logging import get_logger

BEATS_PER_LEASE = 3
"""A lease survives two lost beats."""

log = get_logger("outrigger.runs")


class LeaseKeeper:
    """Renews leases until closed. `heard` gets what each beat learned, on the beat's thread.

    `well` is called at the start and at each beat that left no lease unrenewed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        lease_seconds: float,
        *,
        tokens: Callable[[], list[AttemptToken]],
        heard: Callable[[Renewal], None],
        well: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._tokens = tokens
        self._heard = heard
        self._well = well
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._well()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def until(self) -> int:
        """When a lease taken or renewed now ends."""
        return self._clock.now() + round(self._lease_seconds * MICROSECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(self._lease_seconds / BEATS_PER_LEASE):
            try:
                self._beat()
            except Exception:  # the edge around one beat: leases outlive two lost ones
                log.exception("leases_not_renewed", reason="internal")

    def _beat(self) -> None:
        tokens = self._tokens()
        if not tokens:
            self._well()
            return
        job = partial(renew_leases, tokens=tokens, lease_until=self.until())
        try:
            renewal = self._database.write_blocking(job)
        except Unavailable as error:
            log.warning("leases_not_renewed", reason=error.code, attempts=len(tokens))
            return
        self._well()
        self._heard(renewal)
