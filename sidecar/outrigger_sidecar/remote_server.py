"""Asks a LangGraph server of any make what its API tells: its load, its threads, its version.

The names and forms are those of the API, in one place; what they mean to us is said by whoever
reads a `Load`. What a server does not tell is None.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from outrigger_sidecar.errors import RemoteError
from outrigger_telemetry.metric_specs import THREAD_STATUS

_NOT_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_TOTAL_HEADER = "x-pagination-total"


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of one kind that the server has answered since it started."""

    method: str
    route: str
    status: str
    count: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the server has to do, and who does it. Times are seconds."""

    pending: float | None = None
    running: float | None = None
    oldest: float | None = None
    oldest_unblocked: float | None = None
    slots: float | None = None
    free_slots: float | None = None
    requests: tuple[Requests, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """What the server says it is."""

    server: str
    langgraph: str


class RemoteServer:
    """The server at `target`. Safe to use from several threads; an answer may take `timeout`.

    Each question raises `RemoteError` when there is no answer, or one that makes no sense.
    """

    def __init__(self, target: str, *, timeout: float, api_key: str | None = None) -> None:
        self._client = httpx.Client(
            base_url=target,
            timeout=timeout,
            headers=api_key_header(api_key),
            trust_env=False,
            verify=target.startswith("https://"),
        )
        self._timeout = timeout

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def load(self) -> Load:
        """Ask what is to do, as JSON; a server that answers text instead is understood, too."""
        response = self._ask("GET", "/metrics", params={"format": "json"})
        if response.headers.get("content-type", "").startswith("application/json"):
            return load_of_json(self._object(response))
        return load_of_text(response.text)

    def version(self) -> Version:
        """Ask which version runs."""
        told = self._object(self._ask("GET", "/info"))
        return Version(str(told.get("version", "")), str(told.get("langgraph_py_version", "")))

    def threads(self) -> dict[str, int]:
        """Count threads by status. The server reads its threads for it: do not ask often."""
        return {status: self._threads(status) for status in THREAD_STATUS.values}

    def _threads(self, status: str) -> int:
        response = self._send("POST", "/threads/count", json={"status": status})
        if response.status_code in _NOT_THERE:
            search = {"status": status, "limit": 1}
            found = self._ask("POST", "/threads/search", json=search)
            count: Any = found.headers.get(_TOTAL_HEADER)
        else:
            count = self._json(self._checked(response))
        try:
            return int(count)
        except (TypeError, ValueError) as error:
            raise RemoteError("the server does not tell how many threads it has") from error

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._checked(self._send(method, path, **more))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **more)
        except httpx.TimeoutException as error:
            raise RemoteError(f"no answer within {self._timeout:g} s") from error
        except httpx.HTTPError as error:
            raise RemoteError("the server cannot be reached") from error

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.status_code != HTTPStatus.OK:
            path = response.request.url.path
            raise RemoteError(f"{path} answered {response.status_code}")
        return response

    def _object(self, response: httpx.Response) -> Mapping[str, Any]:
        found = self._json(response)
        if not isinstance(found, dict):
            raise RemoteError("the server answered something else than expected")
        return found

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise RemoteError("the server answered something else than JSON") from error


def api_key_header(api_key: str | None) -> dict[str, str]:
    """Make the header that servers with keys ask for."""
    return {"x-api-key": api_key} if api_key else {}


def load_of_json(told: Mapping[str, Any]) -> Load:
    """Read the answer to `/metrics?format=json`."""
    queue, workers = _part(told, "queue"), _part(told, "workers")
    answered = _part(told, "api").get("http_requests_total")
    return Load(
        pending=_number(queue.get("n_pending")),
        running=_number(queue.get("n_running")),
        oldest=_number(queue.get("pending_runs_wait_time_max_secs")),
        oldest_unblocked=_number(queue.get("pending_unblocked_runs_wait_time_max_secs")),
        slots=_number(workers.get("max")),
        free_slots=_number(workers.get("available")),
        requests=tuple(_requests(answered if isinstance(answered, list) else [])),
    )


def load_of_text(text: str) -> Load:
    """Read the answer to `/metrics` in Prometheus's format, which tells less.

    Raises:
        RemoteError: It is not in that format.
    """
    found: dict[str, float] = {}
    requests = []
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "lg_api_http_requests_total":
                    requests.append({**sample.labels, "count": sample.value})
                else:
                    found[sample.name] = found.get(sample.name, 0.0) + sample.value
    except ValueError as error:
        raise RemoteError("the server's /metrics is neither JSON nor Prometheus text") from error
    return Load(
        pending=found.get("lg_api_num_pending_runs"),
        running=found.get("lg_api_num_running_runs"),
        slots=found.get("lg_api_workers_max"),
        free_slots=found.get("lg_api_workers_available"),
        requests=tuple(_requests(requests)),
    )


def _requests(told: Iterable[Any]) -> Iterable[Requests]:
    for each in told:
        if isinstance(each, dict) and (count := _number(each.get("count"))) is not None:
            yield Requests(
                str(each.get("method", "")),
                str(each.get("path", "")),
                str(each.get("status", "")),
                count,
            )


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
