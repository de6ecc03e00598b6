"""Whatever leads somewhere leads to something: boards, panels, variables, runbooks."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from harness.boards import GENERATED, RUNBOOKS, alerts, boards
from outrigger_dashboards.linter.documents import spots, variables
from outrigger_dashboards.runbooks import HEADINGS

BOARDS = boards()
VARIABLE = re.compile(r"\$\{(\w+):queryparam\}|var-(\w+)=")
QUOTED = re.compile(r"“([^”]+)”")


def panels_of(board: dict[str, Any]) -> dict[int, str]:
    return {spot.panel["id"]: spot.panel["title"] for spot in spots(board)}


def assert_leads_somewhere(url: str) -> None:
    """The board of a `/d/<uid>` is there, with the panel and the variables that it names."""
    parts = urlsplit(url.replace("{{ $labels.job }}", "outrigger"))
    board = BOARDS[parts.path.rpartition("/d/")[2]]
    seen = re.search(r"viewPanel=(\d+)", parts.query)
    if seen is not None:
        assert int(seen[1]) in panels_of(board), url
    for found in VARIABLE.finditer(parts.query):
        assert (found[1] or found[2]) in variables(board), url


@pytest.mark.parametrize("uid", BOARDS)
def test_links_of_panels_lead_to_panels_and_keep_time_and_variables(uid: str) -> None:
    links = [link for spot in spots(BOARDS[uid]) for link in spot.panel.get("links") or []]
    assert links
    for link in links:
        assert_leads_somewhere(link["url"])
        assert "${__url_time_range}" in link["url"]
        for name in variables(BOARDS[uid]):
            assert f"${{{name}:queryparam}}" in link["url"]


@pytest.mark.parametrize("uid", BOARDS)
def test_every_board_leads_to_all_others_and_keeps_time_and_variables(uid: str) -> None:
    (link,) = BOARDS[uid]["links"]
    assert (link["keepTime"], link["includeVars"], link["type"]) == (True, True, "dashboards")
    assert all(set(link["tags"]) <= set(board["tags"]) for board in BOARDS.values())


@pytest.mark.parametrize(
    "alert", alerts(), ids=lambda each: f"{each['alert']} {each['labels'].get('window', '')}"
)
def test_an_alert_says_what_it_is_and_leads_to_its_panel_and_its_runbook(
    alert: dict[str, Any],
) -> None:
    told = alert["annotations"]
    assert_leads_somewhere(told["dashboard_url"])
    assert "viewPanel=" in told["dashboard_url"]
    page = told["runbook_url"].rpartition("/")[2]
    assert (RUNBOOKS / page).read_text().startswith(f"# {alert['alert']}\n")
    assert told["summary"]
    assert "$value" in told["description"]
    assert alert["labels"].keys() >= {"severity", "component"}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("Outrigger*.md")), ids=lambda each: each.stem)
def test_a_runbook_has_its_parts_and_speaks_of_panels_that_are_there(page: Any) -> None:
    text = page.read_text()
    titles = {title for board in BOARDS.values() for title in panels_of(board).values()}
    titles |= {board["title"] for board in BOARDS.values()}
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == HEADINGS
    assert "```promql" in text
    named = QUOTED.findall(text)
    assert named
    assert set(named) <= titles
    for other in re.findall(r"Outrigger[A-Z]\w+", text):
        assert (RUNBOOKS / f"{other}.md").exists(), other


def test_grafanas_own_alerts_are_the_same_and_lead_to_the_same_panels() -> None:
    document = yaml.safe_load((GENERATED / "grafana-alerts" / "outrigger.yml").read_text())
    ours = [rule for group in document["groups"] for rule in group["rules"]]
    assert len({rule["uid"] for rule in ours}) == len(ours)
    shipped = {f"{each['alert']} {each['labels'].get('window', '')}".strip() for each in alerts()}
    assert {rule["title"] for rule in ours} == shipped
    for rule in ours:
        told = rule["annotations"]
        assert int(told["__panelId__"]) in panels_of(BOARDS[told["__dashboardUid__"]])
        assert_leads_somewhere(told["dashboard_url"])
        assert rule["condition"] in {each["refId"] for each in rule["data"]}
