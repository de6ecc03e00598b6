"""Workers: their slots, and the leases of those that vanished."""

from outrigger_telemetry.metric_specs.kinds import counter, gauge
from outrigger_telemetry.metric_specs.labels import LEASE_OUTCOME, SLOT_STATE, WORKER

WORKER_SLOTS = gauge(
    "langgraph_worker_slots",
    "Slots for runs by state. A zombie slot holds a run that was cut and will not stop.",
    SLOT_STATE,
)
LEASES_EXPIRED_TOTAL = counter(
    "langgraph_leases_expired_total",
    "Leases that ran out because their worker died or hung, by what became of the run.",
    LEASE_OUTCOME,
)
RUNS_RECOVERED_TOTAL = counter(
    "langgraph_runs_recovered_total",
    "Runs taken over from a worker that vanished, by what became of them.",
    LEASE_OUTCOME,
)
WORKER_UP = gauge(
    "langgraph_worker_up",
    "1 for a worker that lives; 0 for a minute when it ended without saying so, then nothing.",
    WORKER,
    source="sidecar",
)
WORKER_HEARTBEAT_AGE_SECONDS = gauge(
    "langgraph_worker_heartbeat_age_seconds",
    "Time since a living worker last said so. Growth means it hangs, or cannot store its leases.",
    WORKER,
    source="sidecar",
)
