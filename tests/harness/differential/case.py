"""What a case is made of: requests in order, each of which may use what earlier answers said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `{name}` in path, query, headers and body stands for what `keep` kept as it.

    With `until` it is sent again until the answer has one of the values at each place, and only
    the last answer counts. With `begin` the case goes on meanwhile, until `Finish` of that name.
    With `leave_after` the reader goes away once an event of that name has come, with
    `leave_at_once` when the answer begins.
    """

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    keep: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    begin: str | None = None
    leave_after: str | None = None
    leave_at_once: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of the request that `begin` began: its answer is this step's."""

    name: str


Step = Ask | Finish


@dataclass(frozen=True, slots=True)
class Case:
    """A name, unique within its noun, and what is asked."""

    name: str
    steps: tuple[Step, ...]
    noun: str = ""

    @property
    def title(self) -> str:
        return f"{self.noun}/{self.name}"


def case(name: str, *steps: Step) -> Case:
    """A case whose noun is told by `of_noun`."""
    return Case(name, steps)


def of_noun(noun: str, *cases: Case) -> tuple[Case, ...]:
    """The cases with their noun."""
    return tuple(Case(each.name, each.steps, noun) for each in cases)


def get(path: str, **more: Any) -> Ask:
    return Ask("GET", path, **more)


def head(path: str, **more: Any) -> Ask:
    return Ask("HEAD", path, **more)


def post(path: str, body: Any = None, **more: Any) -> Ask:
    return Ask("POST", path, body, **more)


def put(path: str, body: Any = None, **more: Any) -> Ask:
    return Ask("PUT", path, body, **more)


def patch(path: str, body: Any = None, **more: Any) -> Ask:
    return Ask("PATCH", path, body, **more)


def delete(path: str, body: Any = None, **more: Any) -> Ask:
    return Ask("DELETE", path, body, **more)


def thread(kept: str = "thread_id", **body: Any) -> Ask:
    """A new thread, whose id is kept."""
    return post("/threads", body, keep={kept: "body.thread_id"})


def assistant(graph: str, **body: Any) -> Ask:
    """A new assistant, whose id is kept."""
    body["graph_id"] = graph
    return post("/assistants", body, keep={"assistant_id": "body.assistant_id"})


def until_run(*statuses: str, run: str = "run_id", thread: str = "thread_id") -> Ask:
    """Wait until the run has one of the statuses."""
    return get(f"/threads/{{{thread}}}/runs/{{{run}}}", until={"body.status": statuses})


def until_thread(*statuses: str, thread: str = "thread_id") -> Ask:
    """Wait until the thread has one of the statuses."""
    return get(f"/threads/{{{thread}}}", until={"body.status": statuses})
