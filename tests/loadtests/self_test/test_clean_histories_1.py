"""Half of ten thousand conversations with a correct server; the other half is beside it.

Two files, so that two workers share them.
"""

import pytest

from harness.clean import SHARE, assert_clean

HALF = 5000
FIRST = 0 * HALF


@pytest.mark.parametrize("first", range(FIRST, FIRST + HALF, SHARE))
def test_a_correct_server_is_never_flagged(first: int) -> None:
    assert_clean(first)
