"""Settings of how runs are worked off."""

from typing import Any

from pydantic import Field

from outrigger_server.settings.group import SettingsGroup


def _threads_for_slots(worker: dict[str, Any]) -> int:
    """Count two threads for each slot.

    A run holds one for the sync node it is in. The second is for a parallel branch, or for a node
    that was cancelled but cannot be stopped: Python ends no thread, and with one thread a slot a
    few such nodes would keep other runs waiting.
    """
    slots: int = worker["worker_slots"]
    return max(2 * slots, 16)


class WorkerSettings(SettingsGroup):
    """How runs are worked off."""

    worker_slots: int = Field(
        default=10, ge=1, le=1000, description="Runs that one process works on at once."
    )
    node_threads: int = Field(
        default_factory=_threads_for_slots,
        ge=1,
        le=4000,
        description="Threads that sync nodes share; more parallel sync nodes than this wait.",
        json_schema_extra={"shown_default": "twice the slots, at least 16"},
    )
    cancel_grace_seconds: float = Field(
        default=2.0,
        ge=0,
        le=300,
        description="Time a cancelled run has to stop before it is cut off.",
    )
    lease_seconds: float = Field(
        default=15.0,
        ge=1,
        le=3600,
        description="Time after which a run of a dead worker is taken over.",
    )
    max_attempts: int = Field(
        default=3, ge=1, le=100, description="Workers a run may lose before it ends in error."
    )
    run_timeout_seconds: float = Field(
        default=86400.0,
        ge=0.1,
        le=31_536_000,
        description="Longest time one run may run, all its attempts together.",
        json_schema_extra={"production_least": 30},
    )
