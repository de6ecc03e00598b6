"""A user's own app: routes, a middleware and a lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import JSONResponse, Response


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"cellar": "open"}


class Stamp(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if "x-stop" in request.headers:
            return JSONResponse({"stopped": True}, 418)
        answer = await call_next(request)
        answer.headers["x-stamp"] = request.headers.get("x-trace", "none")
        return answer


app = FastAPI(lifespan=lifespan)
app.add_middleware(Stamp)


class OutOfStock(Exception):
    pass


@app.exception_handler(OutOfStock)
async def out_of_stock(_request: Request, _error: OutOfStock) -> Response:
    return JSONResponse({"stock": 0}, 410)


@app.get("/cheeses/{number}")
async def cheese(number: int, request: Request) -> dict[str, Any]:
    if number > 10:
        raise OutOfStock
    if number < 0:
        raise ValueError("no such cheese")
    return {"number": number, "by": request.user.identity, "cellar": request.state.cellar}


@app.get("/info")
async def info() -> dict[str, str]:
    return {"info": "mine"}


@app.get("/ok")
async def ok() -> dict[str, str]:
    return {"ok": "mine"}


@app.post("/threads/search")
async def search() -> list[str]:
    return ["mine"]
