"""Runs that end in time, or are ended."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from outrigger_client.errors import ClientError, RunTimedOut
from outrigger_client.operations.endings import FinishedRun, finished, status_of
from outrigger_client.operations.steps import Call, Sdk, Steps, call

_STOPS = (asyncio.CancelledError, KeyboardInterrupt)


@dataclass(frozen=True, slots=True)
class TimedRun:
    """One run with a limit of time, which counts from before it is created."""

    sdk: Sdk
    thread_id: str | None
    assistant_id: str
    seconds: float
    cancel_seconds: float
    clock: Callable[[], float]

    def steps(self, options: dict[str, Any]) -> Steps[FinishedRun]:
        """Create it, wait for it, and cancel it when its time is up or its caller is cancelled.

        Time does not end the creation itself: nobody would know what to cancel.

        Raises:
            RunTimedOut: It was not done in time.
            RunFailed: The graph raised.
            RunSuperseded: Somebody else stopped it.
        """
        until = self.clock() + self.seconds
        temporary = {"on_completion": "keep"} if self.thread_id is None else {}
        # A thread made for the run alone would be gone before anybody could ask for its end.
        run = yield call(
            self.sdk.runs.create, self.thread_id, self.assistant_id, **options, **temporary
        )
        thread_id, run_id = str(run["thread_id"]), str(run["run_id"])
        try:
            ended = yield from self._ended(thread_id, run_id, until)
        except (ClientError, *_STOPS):
            if temporary:
                yield call(self.sdk.threads.delete, thread_id)
            raise
        if temporary:
            yield call(self.sdk.threads.delete, thread_id)
        return ended

    def _ended(self, thread_id: str, run_id: str, until: float) -> Steps[FinishedRun]:
        left = max(0.0, until - self.clock())
        try:
            values = yield Call(self.sdk.runs.join, (thread_id, run_id), within=left)
        except TimeoutError:
            values = yield from self._cut(thread_id, run_id)
        except _STOPS:
            # Nobody waits any longer, so nobody would end it in time.
            with suppress(TimeoutError, httpx.HTTPError):
                yield Call(self.sdk.runs.cancel, (thread_id, run_id), {}, self.cancel_seconds)
            raise
        status = yield from status_of(self.sdk, thread_id, run_id)
        return finished(thread_id, run_id, values, status)

    def _cut(self, thread_id: str, run_id: str) -> Steps[dict[str, Any]]:
        """Cancel the run; its values when it was done before that."""
        wait: dict[str, Any] = {"wait": True}
        try:
            yield Call(self.sdk.runs.cancel, (thread_id, run_id), wait, self.cancel_seconds)
        except (TimeoutError, httpx.HTTPError) as error:
            if not _is_not_found(error):  # else it has ended, by this cancel or by itself
                raise RunTimedOut(thread_id, run_id, self.seconds, cancelled=False) from error
        status = yield from status_of(self.sdk, thread_id, run_id)
        cancelled = status in {"interrupted", "rolled_back"}
        if cancelled or status in {"pending", "running"}:
            raise RunTimedOut(thread_id, run_id, self.seconds, cancelled=cancelled)
        values: dict[str, Any] = yield call(self.sdk.runs.join, thread_id, run_id)
        return values


def _is_not_found(error: Exception) -> bool:
    if not isinstance(error, httpx.HTTPStatusError):
        return False
    return error.response.status_code == HTTPStatus.NOT_FOUND
