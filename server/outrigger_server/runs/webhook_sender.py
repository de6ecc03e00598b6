"""Calls the webhooks of ended runs until each was answered, or has failed for too long."""

import asyncio
import random
import time
from functools import partial
from types import TracebackType
from typing import Self

import httpx

from outrigger_server.domain.clock import MICROSECONDS, Clock, to_iso
from outrigger_server.domain.run import Run
from outrigger_server.domain.webhook import WebhookRules, pause_seconds, signature
from outrigger_server.errors import InvalidRequest, Unavailable
from outrigger_server.graphs.encoding import encode
from outrigger_server.graphs.invoke import SERVER_VERSION
from outrigger_server.runs.webhook_guard import Target, WebhookGuard
from outrigger_server.settings import WebhookSettings
from outrigger_server.stores.base import Database
from outrigger_server.stores.webhooks import (
    Delivery,
    claim_deliveries,
    end_delivery,
    first_due,
    postpone_delivery,
)
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metrics import Metrics

POLL_SECONDS = 5.0
"""How often it looks for deliveries that nobody told it of."""

RETRY_SECONDS = 1.0
"""Pause before it asks a database again that refused an answer."""

CLAIM_MARGIN_SECONDS = 8.0
"""What a claim lasts beyond the call's own time limit: resolving, and the writes around it."""

log = get_logger("outrigger.webhooks")


class WebhookSender:
    """Delivers webhooks; open it with `async with`.

    A delivery under way when it is left is made again by whoever looks next.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        guard: WebhookGuard,
        rules: WebhookRules,
        settings: WebhookSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._guard = guard
        self._rules = rules
        self._settings = settings
        self._news = asyncio.Event()
        self.free = settings.webhook_senders
        """How many more calls may be made now."""

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,  # a proxy would resolve the name anew
            timeout=self._settings.webhook_timeout_seconds,
            # A connection kept to an address could serve another host there.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        await self._client.__aenter__()
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._sending = self._tasks.create_task(self._send_for_ever(), name="webhooks")
        self._calls: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sending.cancel()
        for call in self._calls:
            call.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self._client.__aexit__(None, None, None)

    def ended(self, run: Run) -> None:
        """A run has ended: look at once if it has a webhook."""
        if run.kwargs.get("webhook") is not None:
            self._news.set()

    async def _send_for_ever(self) -> None:
        pause = 0.0
        while True:
            await self._wait(pause)
            try:
                pause = await self._claim()
            except Unavailable as error:
                log.warning("webhooks_not_claimed", reason=error.code)
                pause = RETRY_SECONDS
            except Exception:  # the edge around one claim
                log.exception("webhooks_not_claimed", reason="internal")
                pause = RETRY_SECONDS

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def _claim(self) -> float:
        """Begin what is due and fits; return how long nothing will change."""
        while self.free > 0:
            now = self._clock.now()
            due = await self._database.read(first_due)
            if due is None:
                return POLL_SECONDS
            if due > now:
                return min(POLL_SECONDS, (due - now) / MICROSECONDS)
            lasts = self._settings.webhook_timeout_seconds + CLAIM_MARGIN_SECONDS
            until = now + round(lasts * MICROSECONDS)
            claim = partial(claim_deliveries, now=now, until=until, limit=self.free)
            claimed = await self._database.write(claim)
            if not claimed:  # others took them
                return RETRY_SECONDS
            for delivery in claimed:
                self._begin(delivery)
        return POLL_SECONDS  # the next call that ends says so

    def _begin(self, delivery: Delivery) -> None:
        self.free -= 1
        call = self._tasks.create_task(self._deliver(delivery), name="webhook")
        self._calls.add(call)
        call.add_done_callback(self._ended)

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self.free += 1
        self._news.set()

    async def _deliver(self, delivery: Delivery) -> None:
        started = time.perf_counter()
        fault = await self._try(delivery)
        self._metrics.observe(specs.WEBHOOK_CALL_SECONDS, time.perf_counter() - started)
        try:
            await self._settle(delivery, fault)
        except Unavailable as error:  # its claim ends, and it is made again
            log.warning("webhook_not_settled", run_id=delivery.run["run_id"], reason=error.code)
        except Exception:  # the edge around one delivery
            log.exception("webhook_not_settled", reason="internal")

    async def _try(self, delivery: Delivery) -> str | None:
        """Make the call; what went wrong, or None."""
        try:
            target = await self._guard.check(delivery.url)
            async with asyncio.timeout(self._settings.webhook_timeout_seconds):
                status = await self._post(target, delivery)
        except InvalidRequest:
            return "refused"
        except TimeoutError:
            return "timeout"
        except httpx.HTTPError as error:
            return type(error).__name__
        except Exception:  # the edge around one call
            log.exception("webhook_failed", run_id=delivery.run["run_id"])
            return "internal"
        return None if httpx.codes.is_success(status) else f"status {status}"

    async def _post(self, target: Target, delivery: Delivery) -> int:
        now = self._clock.now()
        body = webhook_body(delivery, now)
        headers = {
            **self._rules.headers,
            "host": target.url.netloc.decode().rpartition("@")[2],
            "content-type": "application/json",
            "user-agent": f"outrigger/{SERVER_VERSION}",
            "x-outrigger-delivery": delivery.delivery_id,
        }
        secret = self._settings.webhook_secret
        if secret is not None:
            headers["x-outrigger-signature"] = signature(secret.get_secret_value(), now, body)
        request = self._client.build_request(
            "POST",
            target.pinned,
            content=body,
            headers=headers,
            extensions={"sni_hostname": target.url.host},
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()  # whatever it says, its status is enough
        return answer.status_code

    async def _settle(self, delivery: Delivery, fault: str | None) -> None:
        now = self._clock.now()
        age = (now - delivery.created_at) / MICROSECONDS
        said = {"run_id": delivery.run["run_id"], "tries": delivery.tries}
        if fault is None:
            await self._database.write(partial(end_delivery, delivery=delivery))
            self._metrics.observe(specs.WEBHOOK_DELAY_SECONDS, max(0.0, age))
            self._count("delivered")
            log.info("webhook_delivered", **said)
        elif self._is_hopeless(delivery, age):
            await self._database.write(partial(end_delivery, delivery=delivery))
            self._count("given_up")
            log.error("webhook_given_up", **said, reason=fault)
        else:
            pause = pause_seconds(delivery.tries, random.random())  # noqa: S311  no secret
            due = now + round(pause * MICROSECONDS)
            await self._database.write(partial(postpone_delivery, delivery=delivery, due_at=due))
            self._count("failed")
            log.warning("webhook_failed", **said, reason=fault, pause_seconds=round(pause, 1))

    def _is_hopeless(self, delivery: Delivery, age: float) -> bool:
        settings = self._settings
        too_old = age >= settings.webhook_max_age_seconds
        return too_old or delivery.tries >= settings.webhook_max_tries

    def _count(self, outcome: str) -> None:
        self._metrics.increment(specs.WEBHOOK_DELIVERIES_TOTAL, outcome=outcome)


def webhook_body(delivery: Delivery, now: int) -> bytes:
    """What is sent: the run as it ended, its values and, if it has one, its error."""
    run = dict(delivery.run)
    error = run.pop("error", None)
    run["webhook_sent_at"] = to_iso(now)
    tail = b',"error":%b' % encode(error) if error is not None else b""
    values = (delivery.values or "null").encode()
    return b'%b,"values":%b%b}' % (encode(run)[:-1], values, tail)
