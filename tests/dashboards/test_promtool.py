"""What promtool says of every expression, every rule and every alert."""

import shutil
from pathlib import Path

import pytest
import yaml

from harness.boards import GENERATED, RULES, TRIALS, alerts, panel_expressions
from harness.promtool import checked_expressions, promtool
from outrigger_dashboards.config import Config
from outrigger_dashboards.linter.documents import substituted
from outrigger_dashboards.rules.catalogue import all_alerts

FILES = sorted(path.name for path in (GENERATED / TRIALS).glob("*.yml"))
CASES = {
    "fires",
    "stays quiet",
    "resolves",
    "bears no data",
    "bears a restart",
    "fires through a restart",
}


def test_every_expression_of_a_panel_is_promql_to_promtool(tmp_path: Path) -> None:
    asked = {
        f"panel_{number}": substituted(each.text) for number, each in enumerate(panel_expressions())
    }
    assert len(asked) > 200
    assert checked_expressions(tmp_path, asked) == ""


def test_what_is_no_promql_is_found(tmp_path: Path) -> None:
    said = checked_expressions(tmp_path, {"good": "vector(1)", "bad": "rate(up)"})
    assert "expected type range vector" in said


def test_every_rule_is_good_to_promtool() -> None:
    files = sorted(str(path) for path in (GENERATED / RULES).glob("*.yml"))
    done = promtool("check", "rules", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def test_every_alert_has_every_case() -> None:
    tried = [
        test["name"]
        for name in FILES
        for test in yaml.safe_load((GENERATED / TRIALS / name).read_text())["tests"]
    ]
    wanted = [
        " ".join((alert.full_name, *alert.extra.values(), case))
        for alert in all_alerts(Config())
        for case in CASES
    ]
    assert sorted(tried) == sorted(wanted)
    assert len({alert["alert"] for alert in alerts()}) == 25
    assert len(tried) == len(CASES) * len(all_alerts(Config()))


@pytest.mark.parametrize("name", FILES)
def test_alerts_fire_stay_quiet_resolve_and_bear_restarts_and_no_data(name: str) -> None:
    done = promtool("test", "rules", name, cwd=GENERATED / TRIALS)
    assert done.returncode == 0, done.stdout + done.stderr


# Each is what somebody might do to a rule by mistake, and the case that says so.
MISTAKES = {
    "a limit too high": (
        "queue",
        'kind="pending_with_free_slots"}) > 0',
        'kind="pending_with_free_slots"}) > 5',
        "OutriggerQueueStalled fires",
    ),
    "a comparison turned round": (
        "queue",
        'kind="pending_with_free_slots"}) > 0',
        'kind="pending_with_free_slots"}) >= 0',
        "OutriggerQueueStalled stays quiet",
    ),
    "another label": (
        "queue",
        'kind="pending_with_free_slots"',
        'kind="running_without_lease"',
        "OutriggerQueueStalled fires",
    ),
    "a counter read as it is": (
        "relay",
        'increase(langgraph_relay_dropped_runs_total{job=~"outrigger.*"}[10m])',
        'langgraph_relay_dropped_runs_total{job=~"outrigger.*"}',
        "OutriggerRelayDropping resolves",
    ),
    "a jump over a restart": (
        "streams",
        'increase(langgraph_stream_events_lost_total{job=~"outrigger.*"}[10m])',
        'abs(delta(langgraph_stream_events_lost_total{job=~"outrigger.*"}[10m]))',
        "OutriggerStreamEventsLost bears a restart",
    ),
    "silence when nothing is there": (
        "sidecar",
        ' or absent(up{job=~"outrigger.*"})',
        "",
        "OutriggerSidecarDown bears no data",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_rule_fails_its_case(mistake: str, tmp_path: Path) -> None:
    component, old, new, case = MISTAKES[mistake]
    for folder in (RULES, TRIALS):
        shutil.copytree(GENERATED / folder, tmp_path / folder)
    path = tmp_path / RULES / f"{component}.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    trial = tmp_path / TRIALS / f"{component}.1m.yml"
    document = yaml.safe_load(trial.read_text())
    document["tests"] = [each for each in document["tests"] if each["name"] == case]
    assert len(document["tests"]) == 1
    trial.write_text(yaml.safe_dump(document))
    done = promtool("test", "rules", trial.name, cwd=trial.parent)
    assert done.returncode == 1
    assert "FAILED" in done.stdout + done.stderr
