"""What endpoints ask before they do something: may this caller, and to which rows."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request

from outrigger_server.api.auth.authenticator import Refused
from outrigger_server.api.auth.rules import Rules
from outrigger_server.api.headers import chosen_headers
from outrigger_server.domain.access import AUTH_PREFIX, EVERYTHING, Filter, User
from outrigger_server.domain.assistant import Assistant, system_assistant_id
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import NotFound
from outrigger_server.stores.base import Database
from outrigger_server.stores.threads import get_thread
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, with the rules for it. Without rules everything is allowed."""

    rules: Rules | None
    user: User | None
    database: Database
    metrics: Metrics
    headers: Mapping[str, str]
    """Of its request, those that a run's configuration gets."""

    async def authorized(self, resource: str, action: str, value: dict[str, Any]) -> Filter:
        """Ask the rules whether the caller may; the rows it may do it to are in the answer.

        The rules may change `value` in place, and what they changed counts: use `value` from
        then on. Ids in it are `uuid.UUID`s. What the filter does not let through must be
        answered as if it were not there.

        Raises:
            Refused: The caller may not; becomes 403, or what the rule said.
        """
        if self.rules is None or self.user is None:
            return EVERYTHING
        try:
            return await self.rules.authorized(self.user, resource, action, value)
        except Refused as refusal:
            self.metrics.increment(specs.AUTH_FAILURES_TOTAL, reason=refusal.reason)
            raise

    async def thread(
        self, action: str, thread_id: ThreadId, missing: str | None = None, /, **more: Any
    ) -> Filter:
        """The same for one thread, which must then be there and let through.

        Raises:
            NotFound: It is not, in the words of `missing`.
            Refused: The caller may not.
        """
        if self.rules is None:
            return EVERYTHING
        value = {"thread_id": uuid.UUID(thread_id), **more}
        allowed = await self.authorized("threads", action, value)
        if allowed:
            try:
                found = await self.database.read(partial(get_thread, thread_id=thread_id))
            except NotFound as error:
                raise NotFound(missing or error.message) from error
            self.check(allowed, found.metadata, missing or f"Thread with ID {thread_id} not found")
        return allowed

    async def assistant(
        self, action: str, assistant: Assistant, missing: str | None = None, /, **more: Any
    ) -> Filter:
        """The same for an assistant that was found.

        Raises:
            NotFound: It is hidden, in the words of `missing`.
            Refused: The caller may not.
        """
        value = {"assistant_id": uuid.UUID(assistant.assistant_id), **more}
        allowed = await self.authorized("assistants", action, value)
        self.check(allowed, assistant.metadata, missing)
        return allowed

    def check(self, allowed: Filter, metadata: dict[str, Any], missing: str | None = None) -> None:
        """Treat a row that is hidden as one that is not there.

        Raises:
            NotFound: It is, in the words of `missing`.
        """
        if not allowed.matches(metadata):
            self.metrics.increment(specs.AUTH_FAILURES_TOTAL, reason="hidden")
            raise NotFound(missing)

    def check_run_of(self, allowed: Filter, assistant: Assistant, missing: str) -> None:
        """The same for an assistant that a run is to be made of: a graph's own is everybody's.

        Raises:
            NotFound: It is hidden, in the words of `missing`.
        """
        if assistant.assistant_id != system_assistant_id(assistant.graph_id):
            self.check(allowed, assistant.metadata, missing)

    @property
    def configurable(self) -> dict[str, Any]:
        """What a run's configuration says about the request and who sent it."""
        return {**self.headers, **self.signature}

    @property
    def signature(self) -> dict[str, Any]:
        """The part of it that says who sent the request."""
        if self.user is None:
            return {}
        return {
            AUTH_PREFIX + "user": dict(self.user),
            AUTH_PREFIX + "user_id": self.user.identity,
            AUTH_PREFIX + "permissions": self.user.permissions,
        }


# Async because FastAPI sends sync dependencies through a thread each.
async def caller_of(request: Request) -> Caller:
    """Who sent the request."""
    state = request.app.state
    services = state.services
    headers = chosen_headers(request.headers, state.http.configurable_headers)
    return Caller(state.rules, user_of(request), services.database, services.metrics, headers)


def user_of(request: Request) -> User | None:
    """The user that the gate let in; one that something else calls the user is none."""
    user = request.scope.get("user")
    return user if isinstance(user, User) else None


CallerOf = Annotated[Caller, Depends(caller_of)]
