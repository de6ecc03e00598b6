"""Small tasks that outlive the request that started them, such as a cancel on disconnect."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from outrigger_server.errors import OutriggerError
from outrigger_telemetry.logging import get_logger

log = get_logger("outrigger.errands")


class Errands:
    """Owns such tasks; leaving it waits for them."""

    def __init__(self) -> None:
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._tasks.__aexit__(None, None, None)

    def run(self, name: str, errand: Coroutine[Any, Any, None]) -> None:
        """Start the errand; what it refuses to do is logged, since nobody waits for it."""
        self._tasks.create_task(self._logged(name, errand), name=name)

    async def _logged(self, name: str, errand: Coroutine[Any, Any, None]) -> None:
        try:
            await errand
        except OutriggerError as error:
            log.info("errand_refused", errand=name, code=error.code)
