"""Recovery's other errand: it forgets idempotency keys, but never too many in one sweep."""

import pytest

from outrigger_server.runs.recovery import FORGET_AT_ONCE, FORGET_ROUNDS, Recovery


class FullDatabase:
    """One in which so many keys are over, as far as `write` is concerned."""

    def __init__(self, over):
        self.over = over
        self.transactions = 0

    async def write(self, job):
        self.transactions += 1
        forgotten = min(job.keywords["limit"], self.over)
        self.over -= forgotten
        return forgotten


def recovery_of(database, clock):
    return Recovery(database, None, None, None, clock, None, max_attempts=1)


@pytest.mark.parametrize(
    ("over", "transactions"),
    [(0, 1), (1, 1), (FORGET_AT_ONCE, 2), (FORGET_AT_ONCE * FORGET_ROUNDS * 2, FORGET_ROUNDS)],
)
async def test_keys_are_forgotten_in_batches_and_only_so_many_of_them(clock, over, transactions):
    database = FullDatabase(over)
    await recovery_of(database, clock).forget_keys()
    assert database.transactions == transactions
    assert database.over == max(0, over - FORGET_AT_ONCE * FORGET_ROUNDS)
