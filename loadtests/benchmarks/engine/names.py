"""The names of everything that is measured, as they stand in the figures, and how to show them."""

EMBEDDED = "embedded"
POSTGRES = "postgres"
ONE_WORKER = "postgres-1-worker"
TWO_WORKERS = "postgres-2-workers"
OFFICIAL = "official"
NULL = "null"
MEMORY_LIMIT = "limit-memory"
SQLITE_LIMIT = "limit-sqlite"
POSTGRES_LIMIT = "limit-postgres"

SERVERS = {
    EMBEDDED: "Outrigger, SQLite",
    POSTGRES: "Outrigger, PostgreSQL and Redis, one process",
    ONE_WORKER: "Outrigger, PostgreSQL and Redis, API and 1 worker",
    TWO_WORKERS: "Outrigger, PostgreSQL and Redis, API and 2 workers",
    OFFICIAL: "`langgraph dev`",
}
LIMITS = {
    MEMORY_LIMIT: "`graph.ainvoke`, InMemorySaver",
    SQLITE_LIMIT: "`graph.ainvoke`, AsyncSqliteSaver",
    POSTGRES_LIMIT: "`graph.ainvoke`, AsyncPostgresSaver",
}
ALL = SERVERS | LIMITS | {NULL: "null server: the client's own limit"}

# The part of the CPU figures for everything else on the machine, what its host stole included.
OTHERS = "others"
