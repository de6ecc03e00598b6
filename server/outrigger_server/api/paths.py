"""The path of a request as routes know it: without the prefix the server is mounted at."""

from starlette.types import Scope


def route_path(scope: Scope) -> str:
    """The path below `root_path`."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root)
    return below if root and path.startswith(root) and below.startswith("/") else path
