"""Rules that allow everything and write down what they are asked, a line of JSON each.

Ids and tuples are written as `uuid:…` and `{"tuple": […]}`: what they are is part of the question.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Any

from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def authenticate(authorization: str | None) -> str:
    return (authorization or "").removeprefix("Bearer ") or "somebody"


@auth.on
async def everything(ctx: Auth.types.AuthContext, value: dict[str, Any]) -> None:
    asked = {"resource": ctx.resource, "action": ctx.action, "value": written(value)}
    with Path(os.environ["ASKED_FILE"]).open("a") as file:
        file.write(json.dumps({"by": ctx.user.identity, **asked}) + "\n")


def written(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return f"uuid:{value}"
    if isinstance(value, tuple):
        return {"tuple": [written(each) for each in value]}
    if isinstance(value, dict):
        return {key: written(each) for key, each in value.items()}
    if isinstance(value, list):
        return [written(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
