"""The user's `Auth` object: which handler is asked, and what its answers mean."""

from dataclasses import dataclass

import pytest
from langgraph_sdk import Auth
from starlette.exceptions import HTTPException
from starlette.requests import Request

from outrigger_server.api.auth.authenticator import Refused
from outrigger_server.api.auth.rules import Rules
from outrigger_server.domain.access import EVERYTHING, User
from outrigger_server.errors import ConfigurationError

ANN = User("ann", permissions=["read"])


def request_with(**headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/threads/1",
        "path_params": {"thread_id": "1"},
        "query_string": b"a=1",
        "headers": raw,
    }
    return Request(scope)


def auth_of(authenticate) -> Auth:
    auth = Auth()
    auth.authenticate(authenticate)
    return auth


async def nobody() -> str:
    return "nobody"


async def test_a_sync_handler_gets_what_it_names():
    def authenticate(method, path, *, path_params, query_params, headers, authorization, scopes):
        return {
            "identity": authorization,
            "seen": [
                method,
                path,
                path_params,
                query_params,
                list(map(bytes.decode, headers)),
                scopes,
            ],
        }

    user = await Rules("a:auth", auth_of(authenticate)).authenticate(
        request_with(authorization="me")
    )
    assert user.identity == "me"
    assert user.seen == ["GET", "/threads/1", {"thread_id": "1"}, {"a": "1"}, ["authorization"], []]


@dataclass
class Person:
    identity: str
    permissions: tuple[str, ...] = ("read",)
    team: str = "red"


@pytest.mark.parametrize(
    "found",
    ["ann", {"identity": "ann", "permissions": ["read"], "team": "red"}, Person("ann")],
)
async def test_a_user_may_be_a_text_a_mapping_or_an_object(found):
    async def authenticate():
        return found

    user = await Rules("a:auth", auth_of(authenticate)).authenticate(request_with())
    assert user.identity == "ann"
    if found != "ann":
        assert (user.permissions, user.team) == (["read"], "red")


@pytest.mark.parametrize("found", [None, {}, {"identity": ""}, {"identity": 3}, 7])
async def test_an_answer_without_an_identity_lets_nobody_in(found):
    async def authenticate():
        return found

    with pytest.raises(Refused) as caught:
        await Rules("a:auth", auth_of(authenticate)).authenticate(request_with())
    assert (caught.value.status_code, caught.value.reason) == (500, "failed")


async def test_a_user_that_is_not_authenticated_is_refused():
    async def authenticate():
        return {"identity": "ann", "is_authenticated": False}

    with pytest.raises(Refused) as caught:
        await Rules("a:auth", auth_of(authenticate)).authenticate(request_with())
    assert (caught.value.status_code, caught.value.reason) == (401, "invalid")


async def test_the_most_specific_handler_is_the_one_that_is_asked():
    auth = auth_of(nobody)

    def handler(name):
        async def handle(ctx, value):
            return {"by": name}

        return handle

    auth.on(handler("all"))
    auth.on(resources="*", actions="read")(handler("any read"))
    auth.on.threads(handler("threads"))
    auth.on.threads.create(handler("create"))
    auth.on.store(handler("store"))
    rules = Rules("a:auth", auth)
    asked = {}
    for resource, action in (
        ("threads", "create"),
        ("threads", "read"),
        ("assistants", "read"),
        ("assistants", "search"),
        ("store", "put"),
    ):
        allowed = await rules.authorized(ANN, resource, action, {})
        asked[resource, action] = allowed.equal["by"]
    assert list(asked.values()) == ["create", "threads", "any read", "all", "store"]


async def test_without_a_handler_everything_is_allowed():
    assert await Rules("a:auth", auth_of(nobody)).authorized(ANN, "threads", "read", {}) is (
        EVERYTHING
    )


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [(False, 403, "denied"), (7, 500, "failed"), ({"a": {"$gt": 1}}, 500, "failed")],
)
async def test_no_and_what_is_unclear_are_refused(answer, status, reason):
    auth = auth_of(nobody)

    @auth.on
    async def handle(ctx, value):
        assert ctx.user is ANN
        assert ctx.permissions == ["read"]
        return answer

    with pytest.raises(Refused) as caught:
        await Rules("a:auth", auth).authorized(ANN, "threads", "read", {})
    assert (caught.value.status_code, caught.value.reason) == (status, reason)


def test_an_object_without_authenticate_stops_the_start():
    with pytest.raises(ConfigurationError, match="no @authenticate handler"):
        Rules("a:auth", Auth())


def test_a_parameter_nobody_can_give_stops_the_start():
    async def authenticate(token, authorization):
        return token

    with pytest.raises(ConfigurationError, match="asks for token; it can have"):
        Rules("a:auth", auth_of(authenticate))


async def test_starlettes_own_exception_says_no_as_well_as_the_sdks():
    async def authenticate():
        raise HTTPException(402, "pay first", {"x-price": "1"})

    with pytest.raises(Refused) as caught:
        await Rules("a:auth", auth_of(authenticate)).authenticate(request_with())
    assert (caught.value.status_code, caught.value.detail) == (402, "pay first")
    assert caught.value.headers == {"x-price": "1"}
