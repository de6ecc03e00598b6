from types import UnionType
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outrigger_loadtests.history.file import encode, operations_of
from outrigger_loadtests.history.operations import (
    AnyOperation,
    Checkpoint,
    Created,
    Frame,
    HistoryRead,
    Outcome,
    RunRow,
    RunsRead,
    Settled,
    Strategy,
    Streamed,
)

KINDS = get_args(AnyOperation)


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field of an operation."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind)
    if isinstance(kind, UnionType):
        return st.one_of(*(of_type(each) for each in get_args(kind)))
    if arguments := get_args(kind):
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(0, 2**62),
        float: st.floats(0, 1e6),
        str: st.text(max_size=8),
    }
    return plain[kind] if kind in plain else st.from_type(kind)


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{each.name: of_type(each.type) for each in fields})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_operation_is_what_it_was_after_a_round_through_the_file(kind):
    @settings(deadline=None, max_examples=50)
    @given(structs(kind))
    def is_the_same(operation):
        assert operations_of(encode([operation]).splitlines()) == [operation]

    is_the_same()


def test_an_operation_is_one_line_even_if_its_texts_are_more():
    written = encode([Settled(thread="a\nb\u2028c", invoked=0, quiet=True, error="x\r\ny")])
    assert written.count(b"\n") == 1


def test_a_history_is_readable_by_others():
    create = Created(
        thread="x1-1",
        invoked=5,
        completed=7,
        code=200,
        token="x1-1-1",
        strategy=Strategy.REJECT,
        run_id="r",
    )
    assert msgspec.json.decode(encode([create])) == {
        "kind": "created",
        "thread": "x1-1",
        "invoked": 5,
        "completed": 7,
        "code": 200,
        "token": "x1-1-1",
        "strategy": "reject",
        "run_id": "r",
    }


def test_what_is_not_known_is_not_written():
    create = Created(
        thread="x1-1", invoked=5, outcome=Outcome.INFO, token="x1-1-1", strategy=Strategy.ENQUEUE
    )
    written = msgspec.json.decode(encode([create]))
    assert "completed" not in written
    assert written["outcome"] == "info"


def test_the_many_parts_of_a_read_are_written_without_their_names():
    read = HistoryRead(thread="x1-1", invoked=0, checkpoints=(Checkpoint("c1", added=("m",)),))
    runs = RunsRead(thread="x1-1", invoked=0, rows=(RunRow("r", "success", ""),))
    stream = Streamed(thread="x1-1", invoked=0, frames=(Frame(1, "values"),))
    written = encode([read, runs, stream])
    assert b'"checkpoints":[["c1"' in written
    assert b'"rows":[["r","success",' in written
    assert b'"frames":[[1,"values"' in written
