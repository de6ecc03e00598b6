"""/health, /livez, /readyz, /startupz. None of them runs a check; the monitor does."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outrigger_sidecar.health import CheckReport, CheckState, Overall, overall
from outrigger_sidecar.http.auth import Guard
from outrigger_sidecar.probes.monitor import HealthMonitor

_NO = frozenset({"0", "false", "no", "off"})


def health_routes(monitor: HealthMonitor, guard: Guard) -> list[Route]:
    """Make the routes that tell how things stand."""

    async def health(request: Request) -> Response:
        excluded = {name.strip() for name in request.query_params.get("exclude", "").split(",")}
        reports = [report for report in monitor.reports() if report.name not in excluded]
        status = overall(reports)
        body: dict[str, Any] = {"status": status.value, "timestamp": _now()}
        if request.query_params.get("verbose", "1").lower() not in _NO:
            body["checks"] = {report.name: _shown(report) for report in reports}
        return JSONResponse(body, 503 if status is Overall.UNHEALTHY else 200)

    async def livez(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        del request
        # Beside a worker there is no server to watch: ready is who has slots.
        is_off = monitor.state("server") is CheckState.OFF
        needed = ("workers" if is_off else "server", "database")
        states = {name: monitor.state(name) for name in needed}
        # Off is what cannot be seen from here, such as the database of a server far away.
        is_ready = all(state in {CheckState.OK, CheckState.OFF} for state in states.values())
        body = {"status": "ok" if is_ready else "not ready", **states}
        return JSONResponse(body, 200 if is_ready else 503)

    async def startupz(request: Request) -> Response:
        del request
        if monitor.is_started:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "starting"}, 503)

    return [
        Route("/health", guard.protect(health)),
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/startupz", startupz),
    ]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(report: CheckReport) -> dict[str, Any]:
    duration = report.duration_seconds
    return {
        "status": report.state.value,
        "detail": report.detail,
        "duration_ms": None if duration is None else round(duration * 1000, 3),
        "age_seconds": None if report.age_seconds is None else round(report.age_seconds, 3),
    }
