"""Rules as users write them: a token is a name, and what somebody makes is theirs.

Some names are special: `denied` may nothing, `auditor` reads everything, `guest` may see the
threads it takes part in, and the others show what happens when the rules themselves fail.
"""

from typing import Any

from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def authenticate(  # noqa: PLR0917  everything there is
    request: Any,
    body: Any,
    path: str,
    method: str,
    path_params: dict[str, str],
    query_params: dict[str, str],
    headers: dict[bytes, bytes],
    authorization: str | None,
) -> Any:
    if authorization is None or not authorization.startswith("Bearer "):
        raise Auth.exceptions.HTTPException(status_code=401, detail="bad token")
    name = authorization.removeprefix("Bearer ")
    if name == "broken":
        raise RuntimeError("the secret of the rules")
    if name == "nobody":
        return {"team": "none"}
    if name == "teapot":
        raise Auth.exceptions.HTTPException(418, "tea only", headers={"x-tea": "yes"})
    seen = {
        "path": path,
        "method": method,
        "thread_id": path_params.get("thread_id"),
        "query": query_params.get("q"),
        "agent": headers[b"user-agent"].decode() != "",
        "body": body,
        "again": (await request.body()).decode(),
    }
    return {"identity": name, "permissions": [f"of:{name}"], "team": "red", "seen": seen}


@auth.on
async def everything(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> Any:
    if ctx.user.identity == "denied":
        return False
    if ctx.user.identity == "rejected":
        raise Auth.exceptions.HTTPException(status_code=409, detail="not today")
    if ctx.user.identity == "typo":
        return {"owner": {"$equals": "typo"}}
    if ctx.user.identity == "auditor":
        return None
    return {"owner": ctx.user.identity}


@auth.on.threads.create
async def own_threads(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> Any:
    if ctx.user.identity == "denied":
        return False
    metadata = value.setdefault("metadata", {})
    metadata["owner"] = ctx.user.identity
    if ctx.user.identity == "curious":
        metadata["seen"] = ctx.user["seen"]
    return {"owner": ctx.user.identity}


@auth.on.threads.create_run
async def own_runs(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> Any:
    if ctx.user.identity == "denied":
        return False
    value["metadata"]["owner"] = ctx.user.identity
    return {"owner": ctx.user.identity}


@auth.on(resources="threads", actions=["read", "search"])
async def shared_threads(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> Any:
    if ctx.user.identity == "guest":
        return {"guests": {"$contains": "guest"}}
    return await everything(ctx=ctx, value=value)
