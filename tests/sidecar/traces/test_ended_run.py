import pytest

from fakes.trace_operations import START, answer, operation
from outrigger_sidecar.traces.ended_run import error_class, read_end


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, None),
        (b"null", None),
        (b'""', None),
        (b"\"ValueError('boom')Traceback\"", "ValueError"),
        (b"\"httpx.ReadTimeout('')\\n\\nTraceback\"", "ReadTimeout"),
        (b'"TypeError: x is not a function"', "TypeError"),
        (b'"1 validation error for Model"', ""),
        (b'"password: hunter2"', ""),
        (b'{"an": "object"}', ""),
    ],
)
def test_the_class_of_an_error(raw: bytes | None, expected: str | None) -> None:
    assert error_class(raw) == expected


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:06.250000", 1.25),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:06", 1),
        ("2026-01-02T03:04:05+00:00", "2026-01-02T05:04:06+02:00", 1),
        (1_000_000, 1_002_500, 2.5),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:04", 0),
    ],
)
def test_times_in_all_forms(start: object, end: object, seconds: float) -> None:
    assert read_end(operation(start_time=start, end_time=end)).seconds == seconds


def test_the_first_chunk_of_a_streamed_answer() -> None:
    events = [
        {"name": "start", "time": START},
        {"name": "new_token", "time": "2026-01-02T03:04:05.125000+00:00", "kwargs": {"token": "a"}},
        {"name": "new_token", "time": "2026-01-02T03:04:09+00:00", "kwargs": {"token": "b"}},
    ]

    assert read_end(answer(events=events)).first_chunk_seconds == 0.125
    assert read_end(answer(events=events[:1])).first_chunk_seconds is None
    assert read_end(answer()).first_chunk_seconds is None


def test_text_that_looks_like_an_event_is_none() -> None:
    spoken = '{"name":"new_token","time":"2026-01-02T03:04:06+00:00"}'

    assert read_end(answer(events=[{"kwargs": {"token": spoken}}])).first_chunk_seconds is None


def test_tokens_of_a_sender_that_puts_them_into_the_outputs() -> None:
    usage = {"input_tokens": 3, "output_tokens": 4}

    assert read_end(answer(outputs={"choices": [], "usage_metadata": usage})).usage == usage
    message = {"message": {"kwargs": {"usage_metadata": usage}}}
    assert read_end(answer(outputs={"generations": [[message]]})).usage == usage
    assert read_end(answer(outputs={"choices": []})).usage is None
    assert read_end(answer(outputs={"generations": ["usage_metadata"]})).usage is None
    assert read_end(answer(outputs=["usage_metadata"])).usage is None
    assert read_end(answer(usage, outputs={"usage_metadata": {}})).usage == usage


def test_a_model_without_a_name_is_called_as_it_was_asked_for() -> None:
    named = answer()
    extra = b'{"metadata": {}, "invocation_params": {"model": "gpt-5"}}'
    asked = type(named)(named.kind, "r", "t", named.fields, None, extra, None, None)
    bare = type(named)(named.kind, "r", "t", named.fields, None, None, None, None)

    assert (read_end(asked).provider, read_end(asked).model) == ("unknown", "gpt-5")
    assert read_end(bare).model == "unknown"


def test_names_are_no_longer_than_a_label_may_be() -> None:
    assert len(read_end(operation("x" * 1000)).name) == 128
