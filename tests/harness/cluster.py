"""Our server as several processes, with the environment and the graphs of the tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.processes import PROBES, clean_environment
from outrigger_loadtests.faults.cluster import Cluster, Program, cluster_of

__all__ = ["Cluster", "Program", "started_cluster"]


@contextmanager
def started_cluster(
    folder: Path,
    *,
    postgres_uri: str,
    redis_uri: str,
    apis: int = 2,
    workers: int = 2,
    config: Path = PROBES,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """Migrate the database and start the processes; stop them at the end, in order."""
    given = {"POSTGRES_URI": postgres_uri, "REDIS_URI": redis_uri, **(environment or {})}
    variables = clean_environment(**given)
    with cluster_of(folder, config, variables, apis=apis, workers=workers) as cluster:
        yield cluster
