"""Operations of several calls, written once: generators of calls that either client carries out.

A call that fails, or is cancelled, is raised inside the generator, where it was asked for.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient

from outrigger_client.transport.answers import Done

T = TypeVar("T")
Sdk: TypeAlias = LangGraphClient | SyncLangGraphClient


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the SDK, or anything like it; answered by what it returns."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    within: float | None = None
    """Seconds after which the call is given up with `TimeoutError`."""


@dataclass(frozen=True, slots=True)
class Nap:
    """Wait for seconds; answered by None."""

    seconds: float


Steps: TypeAlias = Generator[Call | Nap, Any, T]


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Call:
    """A call without a limit of time."""
    return Call(function, arguments, options)


@dataclass(slots=True)
class _Taking(Generic[T]):
    """Steps on their way: what was answered last, or what went wrong."""

    steps: Steps[T]
    answer: Any = None
    fault: BaseException | None = None

    def next(self) -> Call | Nap | Done[T]:
        """The next step, or the result; what the steps do not mend is raised."""
        answer, fault = self.answer, self.fault
        self.answer = self.fault = None
        try:
            return self.steps.send(answer) if fault is None else self.steps.throw(fault)
        except StopIteration as end:
            return Done(end.value)


async def take_async(steps: Steps[T]) -> T:
    """Carry the steps out on the event loop and return their result."""
    taking = _Taking(steps)
    while not isinstance(step := taking.next(), Done):
        try:
            if isinstance(step, Nap):
                await asyncio.sleep(step.seconds)
            else:
                async with asyncio.timeout(step.within):
                    taking.answer = await step.function(*step.arguments, **step.options)
        except BaseException as fault:  # noqa: BLE001  raised inside the steps
            taking.fault = fault
    return step.value


def take(steps: Steps[T]) -> T:
    """Carry the steps out in this thread and return their result."""
    taking = _Taking(steps)
    while not isinstance(step := taking.next(), Done):
        try:
            if isinstance(step, Nap):
                time.sleep(step.seconds)
            elif step.within is None:
                taking.answer = step.function(*step.arguments, **step.options)
            else:
                taking.answer = _within(step, step.within)
        except BaseException as fault:  # noqa: BLE001  raised inside the steps
            taking.fault = fault
    return step.value


def _within(step: Call, seconds: float) -> Any:
    """Do it in a thread, which is left to itself when the time is up; its run is then ended."""
    done: Future[Any] = Future()

    def work() -> None:
        try:
            done.set_result(step.function(*step.arguments, **step.options))
        except Exception as error:  # noqa: BLE001  raised where the call was asked for
            done.set_exception(error)

    threading.Thread(target=work, name="outrigger-call", daemon=True).start()
    return done.result(seconds)
