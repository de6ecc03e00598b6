"""Puts rows of runs and threads into a PostgreSQL, as far as the sidecar reads them."""

import psycopg

_RUN = """
INSERT INTO runs (run_id, thread_id, assistant_id, graph_id, status, multitask_strategy, metadata,
    kwargs, created_at, updated_at, attempt, handed_back, fenced, source, lease_until)
SELECT gen_random_uuid(), %(thread)s || CASE WHEN %(many)s > 1 THEN n::text ELSE '' END, 'a', 'g',
    %(status)s, 'enqueue', '{}', '{}', %(created)s, 0, 1, 0, false, 'api', %(lease)s
FROM generate_series(1, %(many)s) n"""
_THREAD = """
INSERT INTO threads (thread_id, created_at, updated_at, state_updated_at, metadata, config,
    rest_status)
SELECT %(thread)s || CASE WHEN %(many)s > 1 THEN n::text ELSE '' END, 0, 0, 0, '{}', '{}', %(rest)s
FROM generate_series(1, %(many)s) n"""


class RunRows:
    """Puts rows in. Times are seconds from `now`; `many` makes as many threads with a number."""

    def __init__(self, uri: str, now: float) -> None:
        self.uri = uri
        self._now = now

    def thread(self, thread_id: str, rest_status: str = "idle", *, many: int = 1) -> None:
        self._write(_THREAD, thread=thread_id, rest=rest_status, many=many)

    def run(
        self,
        thread_id: str,
        status: str,
        *,
        due: float = 0,
        lease: float | None = None,
        many: int = 1,
    ) -> None:
        self._write(
            _RUN,
            thread=thread_id,
            status=status,
            created=self._moment(due),
            lease=None if lease is None else self._moment(lease),
            many=many,
        )

    def analyze(self) -> None:
        """Let PostgreSQL take its statistics."""
        self._write("ANALYZE")

    def _moment(self, offset: float) -> int:
        return int((self._now + offset) * 1_000_000)

    def _write(self, statement: str, **values: object) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode(), values)
