"""People who double-text by the client, and who look afterwards whether anything was lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from langgraph_sdk.errors import NotFoundError
from langgraph_sdk.schema import StreamPart

from harness.history import log_at_rest, marks
from harness.runs import probe_input
from outrigger_client.client import Client
from outrigger_client.errors import ThreadBusy
from outrigger_client.events import (
    Event,
    RequestEnded,
    RequestRepeated,
    StreamGap,
    StreamResumed,
)
from outrigger_client.operations.options import Strategy

PROBE = "probe_async"
BURST = 3
RUN_SECONDS = 0.4
ENDS = {
    "reject": {"success"},
    "enqueue": {"success"},
    "interrupt": {"success", "interrupted"},
    "rollback": {"success", "gone"},
}
"""How an accepted run may have ended, by the strategy that its thread is talked to with."""


@dataclass
class Heard:
    """What the client told its hook."""

    ended: list[RequestEnded] = field(default_factory=list)
    repeated: Counter[str] = field(default_factory=Counter)
    resumed: Counter[str] = field(default_factory=Counter)
    gaps: int = 0

    def hook(self, event: Event) -> None:
        """Take note."""
        if isinstance(event, RequestEnded):
            self.ended.append(event)
        elif isinstance(event, RequestRepeated):
            self.repeated[f"{event.method} {event.route} {event.reason}"] += 1
        elif isinstance(event, StreamResumed):
            self.resumed[event.reason] += 1
        elif isinstance(event, StreamGap):
            self.gaps += 1

    @property
    def failed(self) -> list[RequestEnded]:
        """Requests that, with all of their tries, had no answer or one of 500 and above."""
        return [each for each in self.ended if each.status is None or each.status >= 500]


@dataclass
class Talk:
    """One conversation: always the same strategy, in bursts, until it is told to stop."""

    client: Client
    strategy: Strategy
    name: str
    accepted: list[tuple[str, str]] = field(default_factory=list)
    """Token and id of each run that was accepted, in their order."""
    refused: int = 0
    thread_id: str = ""

    async def hold(self, stop: asyncio.Event) -> None:
        """Talk until `stop`; the last run is over then."""
        self.thread_id = (await self.client.create_thread())["thread_id"]
        numbers = count()
        while not stop.is_set():
            for _ in range(BURST):
                await self._say(f"{self.name}.{next(numbers)}")
            if self.accepted:
                await self.client.sdk.runs.join(self.thread_id, self.accepted[-1][1])

    async def _say(self, token: str) -> None:
        try:
            told = await self.client.handle_double_text(
                self.thread_id, PROBE, self.strategy, input=probe_input(token, RUN_SECONDS)
            )
        except ThreadBusy:
            self.refused += 1
        else:
            self.accepted.append((token, told.run["run_id"]))

    async def faults(self) -> list[str]:
        """What is wrong with the thread now that nobody talks any more; empty when all is well."""
        ends = [await self._end_of(run_id) for _, run_id in self.accepted]
        faults = [
            f"{self.strategy}: run {token} has ended {end}"
            for (token, _), end in zip(self.accepted, ends, strict=True)
            if end not in ENDS[self.strategy]
        ]
        if ends and ends[-1] != "success":
            faults.append(f"{self.strategy}: the last run has ended {ends[-1]}")
            return faults
        if self.accepted:
            log = await log_at_rest(self.client.sdk, self.thread_id, self.accepted[-1][1])
            faults += self._faults_of(log, ends)
        return faults

    def _faults_of(self, log: Sequence[str], ends: Sequence[str]) -> list[str]:
        expected = [
            mark
            for (token, _), end in zip(self.accepted, ends, strict=True)
            if end == "success"
            for mark in marks(token)
        ]
        whole = {mark.rpartition(":")[0] for mark in expected}
        found = [mark for mark in log if mark.rpartition(":")[0] in whole]
        others = [mark for mark in log if mark not in expected]
        cut = {
            token for (token, _), end in zip(self.accepted, ends, strict=True) if end != "success"
        }
        strange = [mark for mark in others if mark.rpartition(":")[0] not in cut]
        faults = [] if found == expected else [f"{self.name}: {found} instead of {expected}"]
        return faults + ([f"{self.name}: {strange} are nobody's"] if strange else [])

    async def _end_of(self, run_id: str) -> str:
        try:
            return str((await self.client.sdk.runs.get(self.thread_id, run_id))["status"])
        except NotFoundError:
            return "gone"


@dataclass
class Reader:
    """Follows one long run after the other by their streams until it is told to stop."""

    client: Client
    name: str
    seconds: float
    faults: list[str] = field(default_factory=list)
    read: int = 0

    async def follow(self, stop: asyncio.Event) -> None:
        """Read streams until `stop`; the last one is read to its end."""
        thread_id = (await self.client.create_thread())["thread_id"]
        while not stop.is_set():
            token = f"{self.name}.{self.read}"
            stream = self.client.stream(
                thread_id,
                PROBE,
                input=probe_input(token, self.seconds),
                stream_mode=["values", "updates"],
            )
            parts: list[StreamPart] = [part async for part in stream]
            self.read += 1
            nodes = [node for part in parts if part.event == "updates" for node in part.data]
            logs = [part.data["log"] for part in parts if part.event == "values"]
            errors = [part.data for part in parts if part.event == "error"]
            if nodes != ["first", "middle", "last"] or errors or logs[-1][-4:] != marks(token):
                self.faults.append(f"{token}: {nodes}, {errors}, {logs[-1:]}")
