"""The faults the server can have: for every invariant at least one, each switched on by name.

Without one the server is correct. A fault strikes whenever the opportunity is there, so that a
conversation that gives it one shows it. Faults break more than their own invariant at times.
"""

from enum import Enum


class Bug(Enum):
    """`invariant`: what it breaks above all. `fault`: what the server then does wrong."""

    # -- every strategy ------------------------------------------------------------
    RUN_VANISHES = ("G1", "when a run has ended, the rows of those that ended before it go")
    ACCEPTED_RUN_LOST = ("G1", "a run accepted beside another one is never stored")
    WAKEUP_LOST = ("G2", "a run that waited for another one stays pending for ever")
    THREAD_STAYS_BUSY = ("G2", "a thread that ever ran shows busy for ever")
    PARENT_DANGLES = ("G3", "a later run's first checkpoint names a parent that is not there")
    SECOND_ROOT = ("G3", "a later run's first checkpoint has no parent")
    FORKED_BY_LATE_WRITE = ("G3", "0.3 s after the cut its node writes on top of the cut point")
    ZOMBIE_WRITES = ("G4", "0.3 s after the cut its node writes on top of the newest checkpoint")
    STATE_FORGOTTEN = ("G5", "a later run starts from an empty log")
    THREAD_VALUES_STALE = ("G5", "the thread's values stay those of its first run")
    JOIN_LAGS = ("G5", "a join answers the values of the checkpoint before the last")
    INPUT_DOUBLED = ("G6", "every input is applied twice")
    INPUT_LOST = ("G6", "the input of a run that waited leaves no mark")
    NODE_SKIPPED = ("G7", "the middle node's mark is never written, and the run is a success")
    CUT_RUN_IS_SUCCESS = ("G7", "a run that was cut ends as success")
    COMPLETE_YET_INTERRUPTED = ("G7", "a run told to stop does all its steps, then is interrupted")
    WRITES_AFTER_END = ("G8", "the last step is written 0.1 s after the run's end")
    IDLE_IN_FLIGHT = ("G8", "a thread shows idle while runs are in flight")
    SUCCESS_OVERWRITTEN = ("G9", "a new run turns the thread's earlier successes to interrupted")
    RUNNING_SHOWN_PENDING = ("G9", "a running run shows pending again from 50 ms after its start")
    FOREIGN_EVENTS = ("G10", "a running run's events also go to the streams of those that wait")
    IDS_GO_BACK = ("G10", "event ids become smaller")
    RESUME_SKIPS = ("G10", "a stream resumed behind an event misses the next one")
    RESUME_REPEATS = ("G10", "a stream resumed behind an event begins with that event")
    STREAM_STAYS_OPEN = ("G10", "a stream ends 20 s after its run")
    TOKEN_CROSSES = ("G11", "a run's input brings a mark of another thread along")
    CREATED_AT_GOES_BACK = ("G12", "every second run of a thread is dated 10 s back")
    # -- reject --------------------------------------------------------------------
    REJECTS_IDLE = ("R1", "every other reject on a thread with nothing in flight is refused")
    REJECT_ACCEPTED = ("R2", "a reject is queued though a run is in flight")
    TWO_WINNERS = ("R3", "a reject does not see the runs of the last 40 ms")
    REFUSED_INPUT_LANDS = ("R4", "a refused input's mark gets into the running run's next step")
    REFUSED_ROW_STAYS = ("R5", "a refused run has a row, interrupted")
    REFUSAL_CUTS = ("R5", "a refused run interrupts the running one")
    # -- enqueue -------------------------------------------------------------------
    ENQUEUE_REFUSED = ("E1", "an enqueue is refused while a run is in flight")
    WAITING_RUN_FAILS = ("E1", "a run that waited ends as error")
    QUEUE_IS_LIFO = ("E2", "of the runs that wait the newest starts first")
    OLD_START = ("E3", "a run that waited starts from the head of when it was created")
    LAST_MARK_MISSED = ("E4", "a run that waited does not see the newest mark")
    WAITING_INPUT_TWICE = ("E5", "a waiting input is taken into the running run, and runs as well")
    SLOW_SUCCESSOR = ("E6", "8 s pass between a run's end and its successor's start")
    SLOW_START = ("E6", "a run that nothing holds back waits 8 s, as behind another thread's queue")
    # -- interrupt -----------------------------------------------------------------
    INTERRUPT_REFUSED = ("I1", "an interrupt is refused while a run is in flight")
    VICTIM_FAILS = ("I2", "an interrupted victim ends as error")
    VICTIM_GONE = ("I2", "an interrupted victim's row is deleted")
    VICTIM_PREFIX_LOST = ("I3", "the newcomer's values lack the marks its victims had finished")
    CUT_DROPS_STEP = ("I3", "the cut takes away the victim's last finished step")
    VICTIM_LATE_MARK = ("I3", "the cut node's mark gets into the newcomer's next step")
    DROPPED_RUN_STARTS = ("I4", "a pending victim shows interrupted, and runs all the same")
    DROPPED_INPUT_LANDS = ("I4", "a pending victim's input is taken into the newcomer's")
    STARTS_BEFORE_CUT = ("I5", "the newcomer starts from the checkpoint before the cut point")
    NEWEST_DROPPED = ("I6", "an interrupt within 150 ms of another one is dropped like its victims")
    BOTH_CUT = ("I7", "a newcomer and its victim of the last 40 ms cut each other")
    BOTH_SURVIVE = ("I7", "a newcomer leaves the runs of the last 40 ms alone")
    CUT_READER_HANGS = ("I8", "who waits for an interrupted victim is never told")
    NO_REASON = ("I8", "the stream of a victim ends without a reason")
    # -- rollback ------------------------------------------------------------------
    LEFT_INTERRUPTED = ("B1", "a rolled-back victim's row stays, interrupted")
    CHECKPOINT_LEFT = ("B2", "a rolled-back run's first checkpoint stays")
    VALUES_KEPT = ("B2", "the thread's values keep the marks of rolled-back runs")
    ROLLED_BACK_WRITES = ("B2", "a rolled-back run's node writes 0.3 s later")
    ROLLBACK_TOO_FAR = ("B3", "the newcomer starts one checkpoint before the victim's base")
    ROLLBACK_REFUSED = ("B4", "a rollback is refused while a run is in flight")
    ROLLED_BACK_SUCCESS = ("B4", "who waits for a rolled-back run gets values and success")
    ROLLED_BACK_READER_HANGS = ("B4", "who waits for a rolled-back run is never told")
    NEWEST_ROLLED_BACK = (
        "B4",
        "a rollback within 150 ms of another is deleted like its victims",
    )
    EARLIER_SUCCESS_LOST = ("B5", "a rollback takes the checkpoints of the run before along")
    ANSWER_LEFT_BEHIND = ("B6", "a rolled-back resume's answer stays and outweighs the next one")
    QUESTION_LOST = ("B6", "the rollback of a resume takes the question along")
    # -- mixed, cancel, resume -----------------------------------------------------
    LOG_REORDERED = ("X1", "an input goes in front of what is there")
    CANCELLED_FAILS = ("C1", "a run cancelled with action=interrupt ends as error")
    CANCELLED_GONE = ("C1", "a run cancelled with action=interrupt is deleted")
    CANCEL_HALF_DONE = ("C2", "a run cancelled with action=rollback leaves its checkpoints")
    CANCEL_ONLY_INTERRUPTS = ("C2", "a run cancelled with action=rollback is interrupted")
    CANCEL_WAIT_RETURNS = ("C3", "wait=1 answers at once and the run stops 0.5 s later")
    FINISHED_CANCELLED = ("C4", "the cancel of a finished run is accepted")
    CANCEL_NOT_FOUND = ("C4", "the cancel of a running run answers 404 and does nothing")
    TWO_ANSWERS_COUNT = ("H1", "two resumes of one question both write their answers")

    __hash__ = object.__hash__  # by identity: looked up at every step

    def __init__(self, invariant: str, fault: str) -> None:
        self.invariant = invariant
        self.fault = fault


Bugs = frozenset[Bug]
CORRECT: Bugs = frozenset()
