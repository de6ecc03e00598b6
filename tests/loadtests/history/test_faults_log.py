import pytest

from outrigger_loadtests.errors import UnreadableFaults
from outrigger_loadtests.history.faults_log import read_faults
from outrigger_loadtests.history.operations import Faulted

LEAD = 1_700_000_000_000_000_000


@pytest.fixture
def log(tmp_path):
    return tmp_path / "faults.jsonl"


def test_an_empty_log_has_no_faults(log):
    log.touch()
    assert read_faults(log, LEAD) == []


def test_moments_are_told_on_the_clients_clock(log):
    log.write_text('{"name": "kill worker", "began": 1700000002.5, "ended": 1700000003}\n')
    (fault,) = read_faults(log, LEAD)
    times = {"invoked": 2_500_000_000, "completed": 3_000_000_000}
    assert fault == Faulted(thread="", name="kill worker", **times)


def test_a_fault_without_an_end_was_over_at_once(log):
    log.write_text('{"name": "anything", "began": 1700000002}\n')
    (fault,) = read_faults(log, LEAD)
    assert fault.invoked == fault.completed == 2_000_000_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "truncated"),
        ("nonsense", "malformed"),
        ("\xff", "malformed"),
        ('{"name": "a", "began": 1', "truncated"),
        ("[]", "Expected `object`"),
        ('{"name": "a"}', "`began`"),
        ('{"began": 1}', "`name`"),
        ('{"name": "", "began": 1}', "$.name"),
        ('{"name": 3, "began": 1}', "$.name"),
        ('{"name": "a", "began": "now"}', "$.began"),
        ('{"name": "a", "began": -1}', "$.began"),
        ('{"name": "a", "began": 1e300}', "$.began"),
        ('{"name": "a", "began": 1, "ended": "now"}', "$.ended"),
        ('{"name": "a", "began": 2, "ended": 1}', "$.ended"),
        ('{"name": "a", "began": 1, "stopped": 1}', "`stopped`"),
    ],
)
def test_a_line_that_is_no_fault_is_named_with_its_field(log, line, reason):
    log.write_text(f'{{"name": "a", "began": 1}}\n{line}\n', encoding="latin-1")
    with pytest.raises(UnreadableFaults, match=r"^line 2 of the log of faults ") as unreadable:
        read_faults(log, LEAD)
    assert reason in str(unreadable.value)


def test_a_log_that_is_not_there_cannot_be_read(log):
    with pytest.raises(OSError, match="No such file"):
        read_faults(log)
