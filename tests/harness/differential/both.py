"""Starts both servers and puts cases to them."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from harness.differential.case import Case
from harness.differential.meant import MEANT
from harness.differential.routes import NOT_YET, Route, routes_of
from harness.differential.session import Compared, compare_servers
from harness.official import kept_official, started_official
from harness.processes import ROOT, started_server

GRAPHS = ROOT / "tests" / "end_to_end" / "differential" / "graphs"
JOBS = 10
# The page of the official server's metrics is there when it is asked for.
OURS = {"OUTRIGGER_LG_API_METRICS": "true"}
# Any id will do: the path is not there for any of them.
AN_ID = "01a20000-0000-7000-8000-000000000008"


@dataclass(frozen=True, slots=True)
class Both:
    """What both servers answered, by the case's title, and what they say of themselves."""

    compared: dict[str, Compared]
    routes: list[Route]
    version: str
    not_yet: dict[tuple[str, str], int]


def ask_both(folder: Path, project: Path, cases: Sequence[Case]) -> Both:
    """Serve the project, which the official server writes into, by both for as long as it takes."""
    with ExitStack() as stack:
        official = stack.enter_context(started_official(project, kept_official(), jobs=JOBS)).url
        config = project / "langgraph.json"
        ours = stack.enter_context(
            started_server(folder / "data", config=config, environment=OURS)
        ).url
        compared = asyncio.run(compare_servers(cases, official, ours, MEANT))
        description: dict[str, Any] = httpx.get(f"{official}/openapi.json").json()
        return Both(
            {each.case.title: each for each in compared},
            routes_of(description),
            httpx.get(f"{official}/info").json()["version"],
            {route: _status(ours, *route) for route in NOT_YET},
        )


def _status(url: str, method: str, path: str) -> int:
    filled = path.replace("{thread_id}", AN_ID).replace("{assistant_id}", AN_ID)
    return httpx.request(method, f"{url}{filled}").status_code
