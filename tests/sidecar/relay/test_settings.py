"""Wrong settings of the relay stop the start and say what to do; secrets are not shown."""

from pathlib import Path

import pytest

from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.relay_settings import DEFAULT_UPSTREAM
from outrigger_sidecar.settings import load_settings


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"LANGSMITH_ENDPOINT": "langsmith.example"}, "LANGSMITH_ENDPOINT is 'langsmith.example'"),
        ({"LANGSMITH_API_KEY": "a key"}, "LANGSMITH_API_KEY is wrong (a secret, not shown)"),
        ({"OUTRIGGER_RELAY_KEY": "short"}, "OUTRIGGER_RELAY_KEY is wrong"),
        ({"OUTRIGGER_RELAY_SAMPLE_RATIO": "10"}, "OUTRIGGER_RELAY_SAMPLE_RATIO is '10'"),
        ({"OUTRIGGER_RELAY_SPOOL_BYTES": "2000000"}, "must be twice"),
        ({"OUTRIGGER_RELAY_REDACTS": "1"}, "did you mean OUTRIGGER_RELAY_REDACT?"),
        (
            {"LANGSMITH_API_KEY": "k", "LANGSMITH_ENDPOINT": "http://localhost:9464/langsmith"},
            "set OUTRIGGER_RELAY_UPSTREAM",
        ),
    ],
)
def test_a_wrong_setting_is_refused(environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, {})

    [fault] = caught.value.faults
    assert said in fault


def test_the_sdks_names_are_read_and_ours_win() -> None:
    both = {
        "LANGSMITH_ENDPOINT": "https://eu.example",
        "OUTRIGGER_RELAY_UPSTREAM": "https://us.example/",
    }

    assert load_settings({}, {}).relay_upstream == DEFAULT_UPSTREAM
    assert load_settings({"LANGSMITH_ENDPOINT": ""}, {}).relay_upstream == DEFAULT_UPSTREAM
    assert load_settings(both, {}).relay_upstream == "https://us.example"


def test_a_directory_of_failed_traces_that_was_named_is_left_alone_without_a_key() -> None:
    named = {"LANGSMITH_FAILED_TRACES_DIR": "/traces"}
    key = {"LANGSMITH_API_KEY": "k"}

    assert load_settings(named, {}).failed_traces_to_replay() is None
    assert load_settings(named | key, {}).failed_traces_to_replay() == Path("/traces")
    assert load_settings({}, {}).failed_traces_to_replay() == Path(".outrigger/relay/failed")
