"""Random programs for a queue: what people, workers and crashes may do, in any order."""

from hypothesis import strategies as st

from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import CancelAction, RunStatus
from outrigger_server.domain.thread import ThreadOutcome

THREADS = ("t", "u")
OWNERS = ("here", "there")
LEASE_SECONDS = 30
HOLD_SECONDS = 60

_THREAD = st.sampled_from(THREADS)
_OWNER = st.sampled_from(OWNERS)
_STRATEGY = st.sampled_from([*MultitaskStrategy][::-1])  # reject last: it does least
_DELAY = st.sampled_from([0, 0, 0, 5])
_PICK = st.integers(0, 5)
"""Small numbers meet what is alive, large ones what is long lost."""

_ENDS = [
    (RunStatus.SUCCESS, False),
    (RunStatus.SUCCESS, True),
    (RunStatus.INTERRUPTED, True),
    (RunStatus.ERROR, False),
    (RunStatus.TIMEOUT, True),
]

_PAUSE = st.sampled_from([0, 1])
_STARTER = st.sampled_from([None, None, *OWNERS])
_CREATE = st.tuples(st.just("create"), _THREAD, _STRATEGY, _DELAY, _PAUSE, _STARTER)
_CLAIM = st.tuples(st.just("claim"), _OWNER, st.sampled_from([10, 1]))
_FINISH = st.tuples(st.just("finish"), _PICK, st.sampled_from(_ENDS))
_CUT = st.tuples(st.just("cut"), st.booleans())
_CANCEL = st.tuples(st.just("cancel"), _PICK, st.sampled_from(CancelAction))
_LAPSE = st.tuples(st.just("lapse"), _OWNER, st.booleans())
_HOLD = st.tuples(st.just("hold"), _THREAD, st.booleans())
_WRITE_STATE = st.tuples(st.just("write_state"), _THREAD)
_RELEASE = st.tuples(st.just("release"), _THREAD, st.booleans())

_PHRASES = [
    (_CREATE, _CLAIM, _FINISH),
    (_CREATE, _CLAIM, _CREATE, _CUT),
    (_CREATE, _CLAIM, _CANCEL, _CUT),
    (_CREATE, _CREATE, _CREATE),
    (_CLAIM, _LAPSE, _CLAIM),
    (_HOLD, _WRITE_STATE, _RELEASE),
    (_CREATE,),
    (_CLAIM,),
    (_FINISH,),
    (_CUT,),
    (_CANCEL,),
    (_HOLD,),
    (_RELEASE, _CLAIM),
    (st.tuples(st.just("write"), _PICK),),
    (st.tuples(st.just("hand_back"), _PICK, st.booleans()), _CLAIM),
    (st.tuples(st.just("renew"), _OWNER),),
    (st.tuples(st.just("delete_run"), _PICK),),
    (st.tuples(st.just("delete_thread"), _THREAD),),
    (st.tuples(st.just("restart")), _CLAIM),
    (st.tuples(st.just("wait"), st.sampled_from([1, 6, HOLD_SECONDS + 1])),),
    (st.tuples(st.just("end_holds")),),
]
"""What often happens in a row, and every step alone: mere chance seldom comes that far."""

PROGRAM = st.lists(
    st.sampled_from(_PHRASES).flatmap(lambda phrase: st.tuples(*phrase)), min_size=4, max_size=16
).map(lambda phrases: [step for phrase in phrases for step in phrase])


def outcome(number: int, *, has_next: bool, failed: bool = False) -> ThreadOutcome:
    """What an end leaves on its thread; no two ends leave the same."""
    return ThreadOutcome(f'{{"end": {number}}}', "{}", has_next=has_next, failed=failed)
