"""Makes, changes and removes users' assistants."""

from functools import partial

from uuid_utils.compat import uuid4

from outrigger_server.domain.access import EVERYTHING, Filter
from outrigger_server.domain.assistant import Assistant, mirrored
from outrigger_server.domain.clock import Clock
from outrigger_server.domain.run import ThreadId
from outrigger_server.errors import AlreadyExists
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.stores.assistants import (
    AssistantChange,
    create_assistant,
    delete_assistant,
    get_assistant,
    patch_assistant,
    require_own,
    set_latest_version,
    threads_of_assistant,
)
from outrigger_server.stores.base import Database

UNNAMED = "Untitled"


class AssistantEditor:
    """Changes assistants; every change but `set_latest` and `delete` makes a new version."""

    def __init__(self, database: Database, registry: GraphRegistry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock

    async def create(
        self,
        assistant_id: str | None,
        wanted: AssistantChange,
        *,
        graph_id: str,
        or_existing: bool = False,
        allowed: Filter = EVERYTHING,
    ) -> Assistant:
        """Add an assistant of a graph; with `or_existing` one that is there is left as it is.

        One that is there and that `allowed` hides is not shown: it is in the way.

        Raises:
            NotFound: No such graph is served.
            AlreadyExists: There is one with this id.
            BadState: Both `configurable` and a context are given.
        """
        self._registry.source(graph_id)
        config, context = mirrored(wanted.config or {}, wanted.context)
        now = self._clock.now()
        assistant = Assistant(
            assistant_id=assistant_id or str(uuid4()),
            graph_id=graph_id,
            name=wanted.name or UNNAMED,
            description=wanted.description,
            config=config,
            context=context or {},
            metadata=wanted.metadata or {},
            version=1,
            created_at=now,
            updated_at=now,
        )
        try:
            return await self._database.write(partial(create_assistant, assistant=assistant))
        except AlreadyExists:
            if not or_existing:
                raise
            finding = partial(get_assistant, assistant_id=assistant.assistant_id)
            found = await self._database.read(finding)
            if not allowed.matches(found.metadata):
                raise
            return found

    async def patch(
        self, assistant_id: str, change: AssistantChange, allowed: Filter = EVERYTHING
    ) -> Assistant:
        """Make the next version of the assistant.

        Raises:
            NotFound: There is no such assistant, or no such graph.
            Conflict: It is a system assistant.
            BadState: Both `configurable` and a context are given.
        """
        if change.graph_id is not None:
            self._registry.source(change.graph_id)
        now = self._clock.now()
        job = partial(
            patch_assistant, assistant_id=assistant_id, change=change, now=now, allowed=allowed
        )
        return await self._database.write(job)

    async def set_latest(
        self, assistant_id: str, version: int, allowed: Filter = EVERYTHING
    ) -> Assistant:
        """Let the assistant be what it was in that version.

        Raises:
            NotFound: There is no such assistant, or it has no such version.
            Conflict: It is a system assistant.
        """
        now = self._clock.now()
        job = partial(
            set_latest_version, assistant_id=assistant_id, version=version, now=now, allowed=allowed
        )
        return await self._database.write(job)

    async def delete(self, assistant_id: str, allowed: Filter = EVERYTHING) -> None:
        """Remove the assistant, its versions and its crons.

        Raises:
            NotFound: There is no such assistant.
            Conflict: It is a system assistant.
        """
        await self._database.write(
            partial(delete_assistant, assistant_id=assistant_id, allowed=allowed)
        )

    async def require_own(self, assistant_id: str, allowed: Filter = EVERYTHING) -> None:
        """Pass when the assistant may be deleted.

        Raises:
            NotFound: There is no such assistant.
            Conflict: It is a system assistant.
        """
        job = partial(require_own, assistant_id=assistant_id, allowed=allowed)
        await self._database.read(job)

    async def some_threads(
        self, assistant_id: str, limit: int, allowed: Filter = EVERYTHING
    ) -> list[ThreadId]:
        """Threads whose latest run was the assistant's, at most `limit`; none that are hidden."""
        return await self._database.read(
            partial(threads_of_assistant, assistant_id=assistant_id, limit=limit, allowed=allowed)
        )
