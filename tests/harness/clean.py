"""Random conversations with a correct server must raise nothing, whatever the timing."""

from harness.simulated import converse, judged, plans
from outrigger_loadtests.verdict import Verdict

SEED = 4
SHARE = 500


def assert_clean(first: int, *, weather: float = 0.0) -> None:
    """Hold a share of conversations and fail with the first finding.

    In bad weather requests and answers get lost: then something may stay unknown, but not fail.
    """
    for number in range(first, first + SHARE):
        results = judged(converse(plans(SEED, [number]), number, weather=weather))
        for name, examination in results.items():
            assert not examination.crash, f"{number}: {name}: {examination.crash}"
            found = [
                each for each in examination.findings if not weather or each.verdict is Verdict.FAIL
            ]
            assert not found, f"{number}: {found[0]}"
