import pytest

from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES, unknown_names


def test_known_names_and_strangers_names_are_fine() -> None:
    assert unknown_names([*ENVIRONMENT_NAMES, "PATH", "HOME", "LANGSMITH_API_KEY"]) == []


def test_a_typo_gets_the_right_name_suggested() -> None:
    assert unknown_names({"OUTRIGGER_WORKER_SLOT": "3"}) == [
        "OUTRIGGER_WORKER_SLOT: no such setting; did you mean OUTRIGGER_WORKER_SLOTS?"
    ]


def test_a_name_like_no_other_is_named_without_a_suggestion() -> None:
    assert unknown_names(["OUTRIGGER_QQQQQQQQQQ"]) == ["OUTRIGGER_QQQQQQQQQQ: no such setting"]


@pytest.mark.parametrize(
    "name",
    [
        *("OUTRIGGER_SERVICE_HOST", "OUTRIGGER_SERVICE_PORT", "OUTRIGGER_SERVICE_PORT_HTTP"),
        *("OUTRIGGER_PORT_8123_TCP", "OUTRIGGER_PORT_8123_TCP_ADDR", "OUTRIGGER_API_PORT"),
        *("OUTRIGGER_SIDECAR_SERVICE_HOST", "OUTRIGGER_SIDECAR_PORT_9464_TCP_PROTO"),
    ],
)
def test_what_kubernetes_makes_up_is_no_fault(name: str) -> None:
    assert unknown_names([name]) == []


def test_our_own_port_is_a_setting() -> None:
    assert {"OUTRIGGER_PORT", "OUTRIGGER_SIDECAR_PORT"} <= ENVIRONMENT_NAMES
