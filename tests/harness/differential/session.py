"""Puts all cases to both servers at once and compares what they answer.

The official server puts requests that come at the same time into one batch on its store, and
when one of them fails all do. So it is asked once more, alone, where the answers differ; ours has
to answer right in company.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from harness.differential.case import Case
from harness.differential.chosen import Chosen, unlisted
from harness.differential.compare import Difference, differences
from harness.differential.normalise import Normaliser, ids_in
from harness.differential.runner import play

AT_ONCE = 24
TIMEOUT_SECONDS = 60.0
ALONE = "-asked-alone"
"""Behind the name of a case that the official server is asked once more."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A case, what the servers answered to it, and how that differs."""

    case: Case
    official: list[dict[str, Any]]
    ours: list[dict[str, Any]]
    differences: list[Difference]

    def asked(self) -> bool:
        """Whether every step could be put to the official server."""
        return not any(
            answer.keys() & {"not asked", "never", "no answer in"} for answer in self.official
        )


async def compare_servers(
    cases: Sequence[Case], official: str, ours: str, meant: Sequence[Chosen]
) -> list[Compared]:
    """Play every case on both servers, some cases at a time."""
    # A connection for each request: the official server drops one that it answered 500.
    limits = httpx.Limits(max_connections=AT_ONCE * 4, max_keepalive_connections=0)
    slots = asyncio.Semaphore(AT_ONCE)
    async with (
        httpx.AsyncClient(base_url=official, timeout=TIMEOUT_SECONDS, limits=limits) as theirs,
        httpx.AsyncClient(base_url=ours, timeout=TIMEOUT_SECONDS, limits=limits) as mine,
    ):

        def compared(
            case: Case, left: list[dict[str, Any]], right: list[dict[str, Any]]
        ) -> Compared:
            # An id that both say, as of the graphs' own assistants, is the same without a name.
            named = ids_in(asdict(case)) | (ids_in(left) & ids_in(right))
            sides = comparable(left, official, named), comparable(right, ours, named)
            return Compared(case, left, right, differences(case.title, *sides))

        async def in_company(case: Case) -> Compared:
            async with slots:
                return compared(case, *await asyncio.gather(play(case, theirs), play(case, mine)))

        async def settled(each: Compared) -> Compared:
            if not unlisted(each.differences, meant):
                return each
            again = await play(each.case, theirs, suffix=ALONE)
            return compared(each.case, _as_in_company(again), each.ours)

        together = await asyncio.gather(*map(in_company, cases))
        return [await settled(each) for each in together]


def _as_in_company(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers with the case's name as it was the first time."""
    text = json.dumps(answers).replace(ALONE, "")
    whole: list[dict[str, Any]] = json.loads(text)
    return whole


def comparable(answers: Sequence[dict[str, Any]], url: str, named: set[str]) -> list[Any]:
    """The answers without what differs on any two servers."""
    normaliser = Normaliser(url, named)
    return [normaliser.answer(number, each) for number, each in enumerate(answers, start=1)]
