"""Puts all cases to both servers at once and compares what they answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from harness.differential.case import Case
from harness.differential.compare import Difference, differences
from harness.differential.normalise import Normaliser, ids_in
from harness.differential.runner import play

AT_ONCE = 24
TIMEOUT_SECONDS = 60.0


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


async def compare_servers(cases: Sequence[Case], official: str, ours: str) -> list[Compared]:
    """Play every case on both servers, some cases at a time."""
    # A connection for each request: the official server drops one that it answered 500.
    limits = httpx.Limits(max_connections=AT_ONCE * 4, max_keepalive_connections=0)
    slots = asyncio.Semaphore(AT_ONCE)
    async with (
        httpx.AsyncClient(base_url=official, timeout=TIMEOUT_SECONDS, limits=limits) as theirs,
        httpx.AsyncClient(base_url=ours, timeout=TIMEOUT_SECONDS, limits=limits) as mine,
    ):

        async def compared(case: Case) -> Compared:
            async with slots:
                left, right = await asyncio.gather(play(case, theirs), play(case, mine))
            # An id that both say, as of the graphs' own assistants, is the same without a name.
            named = ids_in(asdict(case)) | (ids_in(left) & ids_in(right))
            return Compared(
                case,
                left,
                right,
                differences(
                    case.title,
                    comparable(left, official, named),
                    comparable(right, ours, named),
                ),
            )

        return list(await asyncio.gather(*map(compared, cases)))


def comparable(answers: Sequence[dict[str, Any]], url: str, named: set[str]) -> list[Any]:
    """The answers without what differs on any two servers."""
    normaliser = Normaliser(url, named)
    return [normaliser.answer(number, each) for number, each in enumerate(answers, start=1)]
