"""Imports what else of the user's the manifest names: the `Auth` object, and the app."""

from langgraph_sdk import Auth
from starlette.applications import Starlette

from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.graph_spec import GraphSpec
from outrigger_server.graphs.loader import load_object


def load_auth(spec: GraphSpec) -> Auth:
    """The user's `langgraph_sdk.Auth`.

    Raises:
        ConfigurationError: One line: the import failed, or found something else.
    """
    found = load_object("auth.path", spec)
    if not isinstance(found, Auth):
        raise ConfigurationError([_wrong("auth.path", spec, found, "a langgraph_sdk.Auth")])
    return found


def load_app(spec: GraphSpec) -> Starlette:
    """The user's Starlette or FastAPI app.

    Raises:
        ConfigurationError: One line: the import failed, or found something else.
    """
    found = load_object("http.app", spec)
    if not isinstance(found, Starlette):
        raise ConfigurationError([_wrong("http.app", spec, found, "a Starlette or FastAPI app")])
    return found


def _wrong(label: str, spec: GraphSpec, found: object, wanted: str) -> str:
    what = found.__name__ if isinstance(found, type) else type(found).__name__
    return f"{label}: {spec.text} is {what}, not {wanted}"
