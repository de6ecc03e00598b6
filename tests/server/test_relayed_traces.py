"""Which way traces go with `outrigger up`."""

from outrigger_server.relayed_traces import RelayedTraces, relayed_traces
from outrigger_server.settings import load_settings

RELAY = "http://127.0.0.1:9464/langsmith"
ON = {"LANGSMITH_TRACING": "true"}


def relayed(environ: dict[str, str]) -> RelayedTraces:
    ours = {name: value for name, value in environ.items() if name.startswith("OUTRIGGER_")}
    return relayed_traces(load_settings(ours), environ, "http://127.0.0.1:9464")


def test_tracing_that_is_on_goes_through_the_relay_whatever_its_upstream() -> None:
    found = relayed(ON | {"LANGSMITH_ENDPOINT": "https://eu.example", "LANGSMITH_API_KEY": "k"})

    assert found.server["LANGSMITH_ENDPOINT"] == RELAY
    assert found.server["LANGSMITH_FAILED_TRACES_DIR"] == ".outrigger/relay/failed"
    assert "LANGSMITH_API_KEY" not in found.server
    assert not found.hidden


def test_metrics_alone_send_nothing_upstream() -> None:
    found = relayed({"OUTRIGGER_RELAY_METRICS": "true", "LANGSMITH_API_KEY": "k"})

    assert (found.server["LANGSMITH_TRACING"], found.server["LANGSMITH_ENDPOINT"]) == (
        "true",
        RELAY,
    )
    assert "LANGSMITH_API_KEY" in found.hidden


def test_it_is_left_alone_when_off_unwanted_or_sent_to_several_places() -> None:
    for environ in (
        {"LANGSMITH_API_KEY": "k"},
        ON | {"OUTRIGGER_NO_RELAY": "true"},
        ON | {"LANGSMITH_RUNS_ENDPOINTS": "{}"},
    ):
        assert relayed(environ) == RelayedTraces({})


def test_the_relays_own_key_is_given_to_the_server_and_a_named_directory_stays() -> None:
    more = {"OUTRIGGER_RELAY_KEY": "the-relays-key", "LANGSMITH_FAILED_TRACES_DIR": "/traces"}

    found = relayed(ON | more)

    assert found.server["LANGSMITH_API_KEY"] == "the-relays-key"
    assert "LANGSMITH_FAILED_TRACES_DIR" not in found.server
