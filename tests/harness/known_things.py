"""Things on a server that calls can be led to: a thread with a run, an assistant, a cron."""

from collections.abc import Callable
from dataclasses import dataclass

from langgraph_sdk.client import SyncLangGraphClient

NEVER = "0 0 29 2 *"
"""A schedule that fires on few days: what is made must not go on by itself."""


@dataclass(frozen=True, slots=True)
class KnownThings:
    """Makes them, as often as wanted, and calls them by their names in paths."""

    client: SyncLangGraphClient
    graph: str

    def all(self) -> dict[str, str]:
        """One of each: a run that has ended on the thread, and the rest."""
        of_thread = self.run()
        return {**self.assistant(), **self.cron(), **of_thread}

    def maker(self, name: str) -> Callable[[], dict[str, str]]:
        """Makes a fresh one for a parameter of a path, with what else the path must then name."""
        makers: dict[str, Callable[[], dict[str, str]]] = {
            "thread_id": self.thread,
            "run_id": self.run,
            "assistant_id": self.assistant,
            "cron_id": self.cron,
        }
        return makers[name]

    def thread(self) -> dict[str, str]:
        return {"thread_id": self.client.threads.create()["thread_id"]}

    def run(self) -> dict[str, str]:
        thread = self.thread()
        place = thread["thread_id"]
        self.client.runs.wait(place, self.graph, input={"messages": []}, raise_error=False)
        (run,) = self.client.runs.list(place)
        return {**thread, "run_id": run["run_id"]}

    def waiting_run(self) -> dict[str, str]:
        """One that is still to begin."""
        thread = self.thread()
        run = self.client.runs.create(thread["thread_id"], self.graph, after_seconds=3600)
        return {**thread, "run_id": run["run_id"]}

    def assistant(self) -> dict[str, str]:
        return {"assistant_id": self.client.assistants.create(self.graph)["assistant_id"]}

    def cron(self) -> dict[str, str]:
        made = self.client.crons.create(self.graph, schedule=NEVER, input={"messages": []})
        return {"cron_id": made["cron_id"]}
