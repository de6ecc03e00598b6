"""The parts `http` and `auth` of `langgraph.json`: what stands around the API and before it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from outrigger_server.graphs.graph_spec import GraphSpec

Nouns = frozenset[str]
MiddlewareOrder = Literal["middleware_first", "auth_first"]

NOUNS = ("assistants", "threads", "runs", "store", "meta", "ui", "mcp", "a2a", "webhooks")
"""What `disable_…` can switch off."""

_ORDERS = ("middleware_first", "auth_first")
_TEXT_LISTS = ("allow_origins", "allow_methods", "allow_headers", "expose_headers")
_AUTH_KEYS = frozenset({"path", "openapi", "disable_studio_auth"})


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which headers are taken: those of `includes`, where `*` stands for anything."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorsSpec:
    """Which web pages may call the server; None leaves a point to the settings."""

    allow_origins: tuple[str, ...] | None = None
    allow_origin_regex: str | None = None
    allow_methods: tuple[str, ...] = ("*",)
    allow_headers: tuple[str, ...] = ("*",)
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age: int = 600


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """What the manifest says about HTTP."""

    app: GraphSpec | None = None
    middleware_order: MiddlewareOrder = "middleware_first"
    custom_routes_are_open: bool = False
    mount_prefix: str = ""
    disabled: Nouns = frozenset()
    cors: CorsSpec = field(default_factory=CorsSpec)
    configurable_headers: Patterns = field(default_factory=Patterns)
    logging_headers: Patterns = field(default_factory=Patterns)


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """Where the user's own `Auth` object is, and what the API's document says about it."""

    path: GraphSpec
    openapi: Mapping[str, Any]


class HttpReader:
    """Reads both parts; hands each fault, and each key without effect, to whoever asked."""

    def __init__(
        self,
        fault: Callable[[str, str], None],
        ignore: Callable[[str], None],
        spec: Callable[[str, str], GraphSpec | None],
    ) -> None:
        self._fault = fault
        self._ignore = ignore
        self._spec = spec

    def http(self, entry: Any) -> HttpSpec:
        """The part `http`."""
        if not self._is_object("http", entry):
            return HttpSpec()
        given = dict(entry)
        spec = HttpSpec(
            app=self._path("http.app", given.pop("app", None)),
            middleware_order=self._order(given.pop("middleware_order", None)),
            custom_routes_are_open=not self._flag(
                "http.enable_custom_route_auth",
                given.pop("enable_custom_route_auth", None),
                default=True,
            ),
            mount_prefix=self._prefix(given.pop("mount_prefix", None)),
            disabled=frozenset(
                noun
                for noun in NOUNS
                if self._flag(f"http.disable_{noun}", given.pop(f"disable_{noun}", None))
            ),
            cors=self._cors(given.pop("cors", None)),
            configurable_headers=self._patterns(given, "configurable_headers"),
            logging_headers=self._patterns(given, "logging_headers"),
        )
        self._ignored("http", given)
        return spec

    def auth(self, entry: Any) -> AuthSpec | None:
        """The part `auth`."""
        if not self._is_object("auth", entry):
            return None
        self._ignored("auth", {key: entry[key] for key in entry if key not in _AUTH_KEYS})
        path = self._path("auth.path", entry.get("path"))
        openapi = entry.get("openapi") or {}
        if not isinstance(openapi, dict):
            self._fault("auth.openapi", "must be an object")
            return None
        if entry and entry.get("path") is None:
            self._ignore("auth")
        return AuthSpec(path, openapi) if path is not None else None

    def _is_object(self, key: str, entry: Any) -> bool:
        if entry is not None and not isinstance(entry, dict):
            self._fault(key, "must be an object")
        return isinstance(entry, dict)

    def _ignored(self, part: str, rest: Mapping[str, Any]) -> None:
        for key, value in rest.items():
            if value:
                self._ignore(f"{part}.{key}")

    def _path(self, key: str, value: Any) -> GraphSpec | None:
        if value is None:
            return None
        if not isinstance(value, str):
            self._fault(key, 'must be "./file.py:variable" or "package.module:variable"')
            return None
        return self._spec(key, value)

    def _order(self, value: Any) -> MiddlewareOrder:
        if value is not None and value not in _ORDERS:
            self._fault("http.middleware_order", f"must be one of {', '.join(_ORDERS)}")
        return "auth_first" if value == "auth_first" else "middleware_first"

    def _flag(self, key: str, value: Any, *, default: bool = False) -> bool:
        if value is not None and not isinstance(value, bool):
            self._fault(key, "must be true or false")
        return value if isinstance(value, bool) else default

    def _prefix(self, value: Any) -> str:
        if value is None or value in {"", "/"}:
            return ""
        if not isinstance(value, str) or not value.startswith("/") or value.endswith("/"):
            self._fault("http.mount_prefix", 'must begin and not end with a slash, such as "/api"')
            return ""
        return value

    def _cors(self, entry: Any) -> CorsSpec:
        if not self._is_object("http.cors", entry):
            return CorsSpec()
        lists = {
            name: self._texts(f"http.cors.{name}", entry[name])
            for name in _TEXT_LISTS
            if entry.get(name) is not None
        }
        pattern = self._pattern("http.cors.allow_origin_regex", entry.get("allow_origin_regex"))
        age = entry.get("max_age", 600)
        if not isinstance(age, int) or isinstance(age, bool) or age < 0:
            self._fault("http.cors.max_age", "must be a number of seconds")
            age = 600
        if pattern is not None:
            lists.setdefault("allow_origins", ())
        known = {*_TEXT_LISTS, "allow_origin_regex", "max_age", "allow_credentials"}
        self._ignored("http.cors", {key: entry[key] for key in entry if key not in known})
        return CorsSpec(
            **lists,
            allow_origin_regex=pattern,
            allow_credentials=self._flag(
                "http.cors.allow_credentials", entry.get("allow_credentials")
            ),
            max_age=age,
        )

    def _pattern(self, key: str, value: Any) -> str | None:
        if value is None:
            return None
        try:
            re.compile(value)
        except TypeError:
            self._fault(key, "must be text")
            return None
        except re.error as error:
            self._fault(key, f"is no regular expression: {error}")
            return None
        return str(value)

    def _patterns(self, given: dict[str, Any], name: str) -> Patterns:
        entry = given.pop(name, None)
        key = f"http.{name}"
        if not self._is_object(key, entry):
            return Patterns()
        # The official format has both spellings.
        includes = entry.get("includes", entry.get("include"))
        excludes = entry.get("excludes", entry.get("exclude"))
        return Patterns(
            self._texts(f"{key}.includes", includes), self._texts(f"{key}.excludes", excludes)
        )

    def _texts(self, key: str, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._fault(key, "must be a list of texts")
            return ()
        return tuple(value)
