"""Whoever judges the restart of everything sees what is lost, repeated or nobody's."""

import pytest

from harness.history import marks
from harness.topology.people import Talk
from outrigger_client.client import Client

ENDS = ["success", "interrupted", "success"]
WHOLE = [*marks("a"), *marks("b", "input", "first"), *marks("c")]


@pytest.fixture
async def talk() -> Talk:
    async with Client("http://127.0.0.1:1") as client:
        return Talk(client, "interrupt", "t", [("a", "1"), ("b", "2"), ("c", "3")])


def test_a_whole_log_is_well(talk: Talk) -> None:
    assert talk._faults_of(WHOLE, ENDS) == []


@pytest.mark.parametrize(
    "log",
    [
        [mark for mark in WHOLE if mark != "a:last"],
        [mark for mark in WHOLE if not mark.startswith("c:")],
        [*WHOLE, "c:last"],
        [*marks("c"), *marks("b", "input", "first"), *marks("a")],
        [*WHOLE, "z:input"],
    ],
    ids=["a mark is lost", "a run is lost", "one twice", "in another order", "nobody's"],
)
def test_a_log_that_is_not_is_told(talk: Talk, log: list[str]) -> None:
    assert len(talk._faults_of(log, ENDS)) == 1
