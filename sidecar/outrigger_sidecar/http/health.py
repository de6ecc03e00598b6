"""/health, /livez, /readyz, /startupz. None of them runs a check; the monitor does."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from outrigger_sidecar.health import CheckReport, CheckState, Overall, overall
from outrigger_sidecar.http.auth import BearerGuard
from outrigger_sidecar.probes.monitor import HealthMonitor

METHODS = ["GET", "HEAD"]


def health_routes(monitor: HealthMonitor, guard: BearerGuard) -> APIRouter:
    """Make the routes that tell how things stand."""
    router = APIRouter()

    @router.api_route("/health", methods=METHODS, dependencies=[Depends(guard)])
    async def health(verbose: bool = True, exclude: str = "") -> Response:  # noqa: FBT001, FBT002
        excluded = {name.strip() for name in exclude.split(",")}
        reports = [report for report in monitor.reports() if report.name not in excluded]
        status = overall(reports)
        body: dict[str, Any] = {"status": status.value, "timestamp": _now()}
        if verbose:
            body["checks"] = {report.name: _shown(report) for report in reports}
        return JSONResponse(body, 503 if status is Overall.UNHEALTHY else 200)

    @router.api_route("/livez", methods=METHODS)
    async def livez() -> Response:
        return JSONResponse({"status": "ok"})

    @router.api_route("/readyz", methods=METHODS)
    async def readyz() -> Response:
        # Beside a worker there is no server to watch: ready is who has slots.
        is_off = monitor.state("server") is CheckState.OFF
        needed = ("workers" if is_off else "server", "database")
        states = {name: monitor.state(name) for name in needed}
        is_ready = all(state is CheckState.OK for state in states.values())
        body = {"status": "ok" if is_ready else "not ready", **states}
        return JSONResponse(body, 200 if is_ready else 503)

    @router.api_route("/startupz", methods=METHODS)
    async def startupz() -> Response:
        if monitor.is_started:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "starting"}, 503)

    return router


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
