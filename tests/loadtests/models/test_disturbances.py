from outrigger_loadtests.faults.kinds import KINDS, Excuse, kind_named
from outrigger_loadtests.history.operations import Faulted
from outrigger_loadtests.models.disturbances import Disturbances
from outrigger_loadtests.models.run import NANOSECONDS

REDIS = kind_named("restart redis")
RECOVERY = round(REDIS.recovery)


def disturbed(*faults, name="restart redis"):
    """Faults of a name, from a second to a second."""
    return Disturbances(
        Faulted(thread="", name=name, invoked=s * NANOSECONDS, completed=e * NANOSECONDS)
        for s, e in faults
    )


def seconds(these, start, stop):
    return these.within(start * NANOSECONDS, stop * NANOSECONDS) / NANOSECONDS


def test_without_faults_no_time_is_disturbed():
    assert seconds(disturbed(), 0, 100) == 0


def test_a_fault_disturbs_from_its_beginning_until_the_server_has_recovered():
    one = disturbed((10, 12))
    assert seconds(one, 0, 100) == 2 + RECOVERY
    assert seconds(one, 11, 13) == 2
    assert seconds(one, 0, 10) == 0
    assert seconds(one, 12 + RECOVERY, 100) == 0


def test_a_fault_of_unknown_end_was_over_at_once():
    one = Disturbances([Faulted(thread="", name="restart redis", invoked=10 * NANOSECONDS)])
    assert seconds(one, 0, 100) == RECOVERY


def test_faults_at_the_same_time_disturb_once():
    both = disturbed((10, 12), (11, 13), (10, 11))
    assert seconds(both, 0, 100) == 3 + RECOVERY
    apart = disturbed((50, 51), (10, 11))
    assert seconds(apart, 0, 100) == 2 * (1 + RECOVERY)
    assert seconds(apart, 5, 10) == 0


def test_a_kind_that_is_not_known_disturbs_nothing_and_excuses_nothing():
    unknown = disturbed((10, 12), name="eclipse")
    assert seconds(unknown, 0, 100) == 0
    assert not any(unknown.excuse(each, 0, 1 << 62) for each in Excuse)


def test_every_kind_excuses_what_touches_its_time_and_nothing_else():
    for kind in KINDS:
        one = disturbed((10, 12), name=kind.name)
        for excuse in Excuse:
            expected = excuse in kind.excuses
            assert one.excuse(excuse, 11 * NANOSECONDS, 11 * NANOSECONDS) is expected
            assert one.excuse(excuse, 0, 10 * NANOSECONDS) is expected
            assert not one.excuse(excuse, 0, 9 * NANOSECONDS)
            over = round((12 + kind.recovery) * NANOSECONDS)
            assert one.excuse(excuse, over, over) is expected
            assert not one.excuse(excuse, over + 1, over + NANOSECONDS)
