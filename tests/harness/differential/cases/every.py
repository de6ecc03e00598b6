"""All cases."""

from harness.differential.case import Case
from harness.differential.cases.assistants import ASSISTANTS, DRAWN
from harness.differential.cases.cancels import CANCELS, DOUBLE_TEXTS
from harness.differential.cases.crons import CRONS
from harness.differential.cases.runs import RUNS, STATELESS, WAITED
from harness.differential.cases.states import HISTORIES, STATES, UPDATED
from harness.differential.cases.store import STORE
from harness.differential.cases.streams import STREAMS, THREAD_STREAMS
from harness.differential.cases.system import SYSTEM
from harness.differential.cases.threads import FOUND, THREADS

CASES: tuple[Case, ...] = (
    *ASSISTANTS,
    *DRAWN,
    *THREADS,
    *FOUND,
    *STATES,
    *UPDATED,
    *HISTORIES,
    *RUNS,
    *WAITED,
    *STATELESS,
    *STREAMS,
    *THREAD_STREAMS,
    *CANCELS,
    *DOUBLE_TEXTS,
    *CRONS,
    *STORE,
    *SYSTEM,
)
