"""Finds every public method of the SDK's clients, and the case of each."""

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType

from langgraph_sdk.client import LangGraphClient

from harness.sdk_cases import assistants, crons, runs, store, threads

Case = Callable[[LangGraphClient], Awaitable[None]]

CLIENTS: dict[str, ModuleType] = {
    "assistants": assistants,
    "threads": threads,
    "runs": runs,
    "crons": crons,
    "store": store,
}

# The second protocol of streams, over events and commands: not served yet.
NOT_YET = frozenset({"threads.stream"})


def methods(client: LangGraphClient) -> list[str]:
    """Every public method as `client.method`."""
    return [
        f"{noun}.{name}"
        for noun in CLIENTS
        for name, _ in inspect.getmembers(type(getattr(client, noun)), callable)
        if not name.startswith("_")
    ]


def case_of(method: str) -> Case | None:
    """The case of the method: the function of its name in the client's file."""
    noun, _, name = method.partition(".")
    module = CLIENTS[noun]
    found: Case | None = getattr(module, name, None) or getattr(module, f"{name}_", None)
    return found if found is not None and found.__module__ == module.__name__ else None
