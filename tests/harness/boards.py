"""Where the generated boards, rules and runbooks are, and what is read out of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.processes import ROOT
from outrigger_dashboards.linter.documents import spots

GENERATED = ROOT / "dashboards" / "generated"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES = Path("prometheus") / "rules"
TRIALS = Path("prometheus") / "tests"
ROUTES = Path("prometheus") / "alertmanager.yml"


@dataclass(frozen=True)
class Asked:
    """One expression, and where it stands."""

    where: str
    text: str
    quiet: str = ""


def boards(folder: Path = GENERATED) -> dict[str, dict[str, Any]]:
    """The boards by their id."""
    found = {}
    for path in sorted((folder / "grafana").glob("*.json")):
        document = json.loads(path.read_text())
        found[document["uid"]] = document
    return found


def panel_expressions(folder: Path = GENERATED) -> list[Asked]:
    """Every expression of every panel, as it is shipped."""
    return [
        Asked(f"{spot.name} {target['refId']}", target["expr"])
        for board in boards(folder).values()
        for spot in spots(board)
        for target in spot.targets
    ]


def rules(folder: Path = GENERATED) -> list[dict[str, Any]]:
    """Every rule, recorded or alert."""
    return [
        rule
        for path in sorted((folder / RULES).glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts(folder: Path = GENERATED) -> list[dict[str, Any]]:
    """Every alert."""
    return [rule for rule in rules(folder) if "alert" in rule]
