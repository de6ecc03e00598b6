"""What the sidecar of `outrigger up` is told of the databases."""

from outrigger_server.settings import load_settings
from outrigger_server.sidecar_process import sidecar_environment


def environment(given: dict[str, str], later: dict[str, str]) -> dict[str, str]:
    """The sidecar's, when the server was started with `given` and graphs brought `later`."""
    return sidecar_environment(load_settings(given).scale, {**given, **later})


def test_it_reads_the_databases_of_the_server_and_the_rest_of_its_environment() -> None:
    given = {"DATABASE_URI": "postgresql://me:secret@db/a", "REDIS_URI": "redis://r"}

    assert environment(given, {"PATH": "/bin"}) == {
        "POSTGRES_URI": "postgresql://me:secret@db/a",
        "REDIS_URI": "redis://r",
        "PATH": "/bin",
    }


def test_a_database_that_only_the_graphs_were_given_is_not_the_servers() -> None:
    graphs = {"POSTGRES_URI": "postgresql://graphs", "REDIS_URI": "redis://graphs"}

    assert environment({}, {**graphs, "DATABASE_URI": "postgresql://graphs"}) == {}
