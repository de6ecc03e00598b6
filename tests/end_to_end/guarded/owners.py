"""Rules by which everything that somebody makes is theirs, and namespaces begin with their name."""

from typing import Any

from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def authenticate(authorization: str | None) -> dict[str, Any]:
    name = (authorization or "").removeprefix("Bearer ")
    if not name:
        raise Auth.exceptions.HTTPException(status_code=401, detail="who?")
    return {"identity": name, "team": "red", "permissions": [f"of:{name}"]}


@auth.on
async def owned(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> dict[str, str]:
    if ctx.action in {"create", "create_run"}:
        value["metadata"] = {**(value.get("metadata") or {}), "owner": ctx.user.identity}
    return {"owner": ctx.user.identity}


@auth.on.store
async def namespaced(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> None:
    value["namespace"] = (ctx.user.identity, *(value["namespace"] or ()))


@auth.on.threads.read
async def shared(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> dict[str, str] | None:
    """A reader sees what is everybody's: to copy it, for one."""
    return None if ctx.user.identity == "reader" else {"owner": ctx.user.identity}
