"""Renders `compatibility.json`, which the test against the official server writes, as tables."""

import json
from pathlib import Path
from typing import Any

ASPECTS = ("status", "headers", "body", "frames")


def routes_table(results: Path) -> str:
    """Every path and method of the official server, and how ours answers."""
    data = json.loads(results.read_bytes())
    lines = [
        "| method and path | calls | " + " | ".join(ASPECTS) + " |",
        "| --- | ---: |" + " --- |" * len(ASPECTS),
    ]
    return "\n".join([*lines, *map(_route_row, data["routes"])])


def decisions_table(results: Path) -> str:
    """Every decision by which an answer differs."""
    data = json.loads(results.read_bytes())
    lines = ["| decision | what it says |", "| --- | --- |"]
    return "\n".join(
        [*lines, *(f"| {name} | {text} |" for name, text in data["decisions"].items())]
    )


def versions_line(results: Path) -> str:
    """What was compared, and how much of it."""
    data = json.loads(results.read_bytes())
    return (
        f"Compared with langgraph-api {data['official']}: {data['cases']} cases, "
        f"{data['calls']} calls."
    )


def _route_row(row: dict[str, Any]) -> str:
    name = f"`{row['method']} {row['path']}`"
    if not row["served"]:
        return f"| {name} | |" + " not yet |" * len(ASPECTS)
    cells = [_cell(row["differing"], aspect) for aspect in ASPECTS]
    return f"| {name} | {row['calls']} | " + " | ".join(cells) + " |"


def _cell(differing: dict[str, list[str]], aspect: str) -> str:
    if aspect not in differing:
        return ""
    return ", ".join(differing[aspect]) or "alike"
