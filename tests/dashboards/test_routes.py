"""Where alerts go, as amtool reads the configuration."""

import pytest
import yaml

from harness.boards import GENERATED, ROUTES, alerts
from harness.promtool import amtool

FILE = str(GENERATED / ROUTES)


def test_amtool_accepts_the_configuration() -> None:
    done = amtool("check-config", FILE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 inhibit rules" in done.stdout
    assert "3 receivers" in done.stdout


@pytest.mark.parametrize(
    "alert", alerts(), ids=lambda each: f"{each['alert']} {each['labels'].get('window', '')}"
)
def test_critical_alerts_page_warnings_make_tickets_and_the_watchdog_goes_apart(
    alert: dict[str, dict[str, str]],
) -> None:
    labels = {"alertname": alert["alert"], **alert["labels"], "job": "outrigger"}
    said = amtool(
        "config",
        "routes",
        "test",
        f"--config.file={FILE}",
        *(f"{k}={v}" for k, v in labels.items()),
    )
    wanted = {"critical": "pages", "warning": "tickets", "none": "watchdog"}
    assert said.stdout.strip() == wanted[alert["labels"]["severity"]]


def test_only_the_watchdog_has_no_severity() -> None:
    severities = {alert["alert"]: alert["labels"]["severity"] for alert in alerts()}
    assert [name for name, each in severities.items() if each == "none"] == ["OutriggerWatchdog"]


def test_nothing_inhibits_the_watchdog_or_what_says_that_nothing_is_known() -> None:
    for rule in yaml.safe_load((GENERATED / ROUTES).read_text())["inhibit_rules"]:
        targets = " ".join(rule["target_matchers"])
        assert "Watchdog" in targets or 'severity="warning"' in targets
        assert rule["equal"][0] == "job"


def test_the_deeper_cause_is_never_kept_back_by_what_follows_from_it() -> None:
    rules = yaml.safe_load((GENERATED / ROUTES).read_text())["inhibit_rules"]
    (down,) = [rule for rule in rules if rule["source_matchers"] == ['alertname="OutriggerDown"']]
    for deeper in ("SidecarDown", "DatabaseDown", "RedisDown"):
        assert deeper in down["target_matchers"][1]
