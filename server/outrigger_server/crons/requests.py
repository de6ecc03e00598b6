"""From a cron to the run that it asks for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Connection
from uuid_utils.compat import uuid7

from outrigger_server.domain.assistant import Assistant
from outrigger_server.domain.cron import Cron, OnRunCompleted
from outrigger_server.domain.run import RunId, RunRequest, ThreadId
from outrigger_server.errors import NotFound
from outrigger_server.graphs.registry import GraphRegistry
from outrigger_server.stores.assistants import find_assistant

SOURCE = "cron"


class RequestReader(Protocol):
    """Reads the body of a run's creation as the API does."""

    def __call__(
        self,
        payload: Mapping[str, Any],
        assistant: Assistant,
        *,
        run_id: RunId,
        thread_id: ThreadId,
        signed: Mapping[str, Any],
    ) -> RunRequest:
        """The run that the body asks for.

        Raises:
            RequestError: It asks for nothing that could be done.
        """
        ...


class CronRuns:
    """Makes requests for runs out of crons; the same when one is kept and when it fires."""

    def __init__(self, registry: GraphRegistry, read: RequestReader) -> None:
        self._registry = registry
        self._read = read

    def request(self, connection: Connection, cron: Cron, thread_id: ThreadId) -> RunRequest:
        """The run that the cron asks for, by its assistant as it is now.

        Raises:
            RequestError: It cannot be created as things stand.
        """
        assistant = find_assistant(connection, cron.assistant_id)
        if assistant is None:
            raise NotFound(f"Assistant '{cron.assistant_id}' not found")
        self._registry.source(assistant.graph_id)
        run_id = RunId(str(uuid7()))
        payload = {**cron.payload, "metadata": cron.metadata}
        request = self._read(
            payload, assistant, run_id=run_id, thread_id=thread_id, signed=cron.signed
        )
        config = request.kwargs["config"]
        configurable = {**config["configurable"], "cron_id": cron.cron_id}
        is_temporary = cron.thread_id is None and cron.on_run_completed is not OnRunCompleted.KEEP
        kwargs = {
            **request.kwargs,
            "config": {**config, "configurable": configurable},
            "temporary": is_temporary,
        }
        # Who made the cron finds the threads that are made for it.
        owned = cron.metadata if cron.signed else {}
        return replace(request, kwargs=kwargs, source=SOURCE, new_thread_metadata=owned)
