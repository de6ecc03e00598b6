"""Plays a case against one server; what cannot be asked is part of the answers, too."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from harness.differential.answer import MISSING, answer_of, at
from harness.differential.case import Ask, Case, Finish, Step
from harness.frames import parse

DEADLINE_SECONDS = 45.0
PAUSE_SECONDS = 0.05
_NAME = re.compile(r"\{(\w+)\}")


class NotAsked(Exception):
    """An earlier answer lacked what this request needs."""


@dataclass(slots=True)
class _Play:
    """A case on its way: what was kept and what goes on meanwhile."""

    http: httpx.AsyncClient
    kept: dict[str, Any]
    begun: dict[str, asyncio.Task[dict[str, Any]]] = field(default_factory=dict)


async def play(case: Case, http: httpx.AsyncClient, *, suffix: str = "") -> list[dict[str, Any]]:
    """Ask everything in order and return the answers, one for each step.

    With another `suffix` to its name a case may be played once more on the same server.
    """
    this = _Play(http, {"case": re.sub(r"\W+", "-", case.title) + suffix})
    try:
        return [await _step(this, step) for step in case.steps]
    finally:
        for task in this.begun.values():
            task.cancel()
        await asyncio.gather(*this.begun.values(), return_exceptions=True)


async def _step(this: _Play, step: Step) -> dict[str, Any]:
    try:
        if isinstance(step, Finish):
            return await _finish(this, step.name)
        request = _request(this, step)
        if step.begin is not None:
            this.begun[step.begin] = asyncio.create_task(_send(this.http, step, request))
            return {"begun": step.begin}
        answer = await _until(this.http, step, request)
    except NotAsked as error:
        return {"not asked": str(error)}
    except TimeoutError:
        return {"no answer in": DEADLINE_SECONDS}
    except httpx.TransportError as error:
        return {"broken off": type(error).__name__}
    for name, place in step.keep.items():
        this.kept[name] = at(answer, place)
    return answer


async def _finish(this: _Play, name: str) -> dict[str, Any]:
    if name not in this.begun:
        raise NotAsked(f"{name} never began")
    return await asyncio.wait_for(this.begun[name], DEADLINE_SECONDS)


def _request(this: _Play, step: Ask) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": step.method,
        "url": filled(step.path, this.kept),
        "params": filled(dict(step.query), this.kept),
        "headers": filled(dict(step.headers), this.kept),
    }
    if step.content is not None:
        return request | {"content": step.content}
    return request if step.body is None else request | {"json": filled(step.body, this.kept)}


def filled(tree: Any, kept: Mapping[str, Any]) -> Any:
    """Put what was kept in place of its name.

    Raises:
        NotAsked: It was not kept, as the answer did not have it.
    """
    if isinstance(tree, dict):
        return {filled(key, kept): filled(value, kept) for key, value in tree.items()}
    if isinstance(tree, list):
        return [filled(each, kept) for each in tree]
    if not isinstance(tree, str):
        return tree
    whole = _NAME.fullmatch(tree)
    if whole is not None:
        return _kept(whole, kept)
    return _NAME.sub(lambda match: str(_kept(match, kept)), tree)


def _kept(match: re.Match[str], kept: Mapping[str, Any]) -> Any:
    name = match[1]
    if kept.get(name, MISSING) == MISSING:
        raise NotAsked(f"no {name} in an earlier answer")
    return kept[name]


async def _until(http: httpx.AsyncClient, step: Ask, request: Mapping[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = await asyncio.wait_for(_send(http, step, request), DEADLINE_SECONDS)
        if all(at(answer, place) in values for place, values in step.until.items()):
            return answer
        if time.monotonic() > deadline:
            return {"never": {place: list(values) for place, values in step.until.items()}}
        await asyncio.sleep(PAUSE_SECONDS)


async def _send(http: httpx.AsyncClient, step: Ask, request: Mapping[str, Any]) -> dict[str, Any]:
    async with http.stream(**request) as response:
        content = b""
        if step.leave_at_once and response.status_code == 200:
            return answer_of(response, content)
        async for piece in response.aiter_raw():
            content += piece
            if step.leave_after is not None and _has_come(content, step.leave_after):
                break
        return answer_of(response, content[: _end_of_frames(content, step)])


def _has_come(content: bytes, name: str) -> bool:
    whole, mark, _ = content.rpartition(b"\r\n\r\n")
    return any(frame.name == name for frame in parse(whole + mark))


def _end_of_frames(content: bytes, step: Ask) -> int | None:
    """Where to cut what has come when the reader left: behind the event it waited for."""
    if step.leave_after is None:
        return None
    place = 0
    while (end := content.find(b"\r\n\r\n", place)) >= 0:
        place = end + 4
        if _has_come(content[:place], step.leave_after):
            return place
    return None
