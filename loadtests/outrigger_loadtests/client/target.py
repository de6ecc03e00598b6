"""Looks at a server before anything is sent to it: is it there, and can it be tested?"""

from dataclasses import dataclass

import orjson

from outrigger_loadtests.client import answers
from outrigger_loadtests.client.transport import Answer, Transport
from outrigger_loadtests.errors import TargetUnreachable

SECONDS = 5.0
WORDS = 20
WORD = 200
_CLOSED = frozenset({401, 403})
_NOT_FOUND = 404


@dataclass(frozen=True)
class Identity:
    """What a server says of itself. `told` is every word of its `/info` that is text."""

    version: str
    told: tuple[tuple[str, str], ...] = ()


def inspect(transport: Transport, host: str, graphs: tuple[str, ...]) -> Identity:
    """Return who the server is.

    Raises:
        TargetUnreachable: Nothing answers, it wants a key, or it does not serve the graphs.
    """
    answer = transport.request("GET", "/info", name="info", timeout=SECONDS)
    _must_answer(answer, host)
    body = answers.body_of(answer)
    version = answers.text(body, "version") or "unknown"
    missing = [graph for graph in graphs if not _serves(transport, host, graph)]
    if missing:
        raise TargetUnreachable(
            f"{host} does not serve the graph {missing[0]!r}: start it with "
            "loadtests/probe/langgraph.json, or name one of its probes with --probe"
        )
    return Identity(version, _told(body))


def _told(body: object) -> tuple[tuple[str, str], ...]:
    """Return the words of an answer, not too many and not too long."""
    if not isinstance(body, dict):
        return ()
    words = [(key, each) for key, each in body.items() if isinstance(each, str)]
    return tuple((key[:WORD], each[:WORD]) for key, each in words[:WORDS])


def _serves(transport: Transport, host: str, graph: str) -> bool:
    body = orjson.dumps({"graph_id": graph, "limit": 1})
    answer = transport.request(
        "POST", "/assistants/search", body, name="find graph", timeout=SECONDS
    )
    found = answers.body_of(answer)
    if answer.status == _NOT_FOUND and graph in answers.text(found, "detail"):
        return False
    _must_answer(answer, host)
    if not isinstance(found, list):
        raise TargetUnreachable(f"{host} is no LangGraph server: /assistants/search is no list")
    return any(answers.text(each, "graph_id") == graph for each in found)


def _must_answer(answer: Answer, host: str) -> None:
    if not answer.status:
        raise TargetUnreachable(f"{host} cannot be reached: {answer.error}")
    if answer.status in _CLOSED:
        raise TargetUnreachable(
            f"{host} answers {answer.status}: it wants a key; give a valid one with --api-key"
        )
    if place := answer.headers.get("location"):
        raise TargetUnreachable(f"{host} points to {place}: give the URL of the server itself")
    if answer.status // 100 != 2:  # noqa: PLR2004  the class of statuses
        raise TargetUnreachable(
            f"{host} answers {answer.status}: is it a server of the LangGraph API, and is it well?"
        )
