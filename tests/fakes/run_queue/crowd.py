"""Two processes that do to a few threads whatever comes to their minds, all at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

from fakes.run_desk import IDLE, RunDesk
from fakes.run_queue.attempt_writes import AttemptWriter
from fakes.run_queue.picture import Picture, check_sound
from fakes.run_queue.stored import picture_of
from outrigger_server.domain.multitask import MultitaskStrategy
from outrigger_server.domain.run import CancelAction, Run, RunStatus
from outrigger_server.errors import Conflict, IllegalTransition, NotFound, StoreUnavailable
from outrigger_server.stores import claims, run_ends, run_rows, threads

MAX_ATTEMPTS = 2
THREADS = ("t", "u", "v")
HOLD_SECONDS = 60
REFUSED = (Conflict, IllegalTransition, NotFound, StoreUnavailable)
"""What a loser of a race may be told; nothing was done then."""

_SPARED = """
SELECT older.run_id, older.status, newer.run_id, newer.multitask_strategy
FROM runs AS newer JOIN runs AS older ON older.thread_id = newer.thread_id
WHERE (older.created_at, older.seq) < (newer.created_at, newer.seq) AND (
    newer.multitask_strategy IN ('interrupt', 'rollback') AND older.status = 'pending'
    OR newer.multitask_strategy IN ('interrupt', 'rollback') AND older.status = 'running'
        AND older.cancel_action IS NULL
    OR newer.multitask_strategy = 'reject' AND older.status IN ('pending', 'running'))
"""


class Crowd:
    """What was done, as those know it who did it, and what must be true of what is there."""

    def __init__(self, here: RunDesk, there: RunDesk, dice: Random) -> None:
        self._dice = dice
        self._clock = here.clock
        self._desks = (here, there)
        self._writers = {desk: AttemptWriter(desk.database) for desk in self._desks}
        self.claimed: list[Run] = []
        self.created: dict[str, Run] = {}
        self.may_vanish: set[str] = set()
        self.ended: dict[str, str] = {}
        self.refused = 0
        self._deleted: set[str] = set()
        """Threads that were removed in this round, with runs whose creators may not know yet."""
        self._number = 0

    async def begin(self) -> None:
        for thread_id in THREADS:
            await self._desks[0].thread(thread_id)

    async def round(self, size: int) -> None:
        """Do so many things at once, then look at what has come of them."""
        self._clock.turn(self._dice.choice([1, 1, 40]))
        acts: list[Callable[[RunDesk], Awaitable[None]]] = self._dice.choices(
            [
                self._create,
                self._claim,
                self._write,
                self._finish,
                self._cut,
                self._cancel,
                self._sweep,
                self._hand_back,
                self._delete_run,
                self._hold,
                self._delete_thread,
            ],
            weights=[8, 6, 3, 5, 3, 2, 2, 1, 1, 1, 0.3],
            k=size,
        )
        await asyncio.gather(*[self._try(act, self._dice.choice(self._desks)) for act in acts])
        gone = {n for n, run in self.created.items() if run.thread_id in self._deleted}
        self.may_vanish |= gone
        self._deleted.clear()
        self.check(await self._picture())
        await self._check_newcomers()
        await self._try_what_was_lost()

    async def _try(self, act: Callable[[RunDesk], Awaitable[None]], desk: RunDesk) -> None:
        self._clock.turn(0.000_001)
        try:
            await act(desk)
        except REFUSED:
            self.refused += 1

    async def come_to_rest(self) -> Picture:
        """One of the two goes on alone."""
        desk = self._desks[0]
        for _ in range(len(self.created) + 2):
            self._clock.turn(HOLD_SECONDS + 1)
            await desk.database.write(partial(claims.end_lapsed_holds, now=self._clock.now()))
            await self._sweep(desk)
            for run in (await self._claim_with(desk)).runs:
                await self._end(desk, run, RunStatus.SUCCESS)
            picture = await self._picture()
            self.check(picture)
            if not any(run.in_flight for run in picture.runs.values()):
                return picture
        raise AssertionError("something is stuck")

    # -- what is done ------------------------------------------------------------

    def _thread(self) -> str:
        return self._dice.choice(THREADS)

    def _attempt(self) -> Run | None:
        """A late one is more likely to be alive."""
        return self._dice.choice(self.claimed[-6:]) if self.claimed else None

    async def _create(self, desk: RunDesk) -> None:
        self._number += 1
        strategy = self._dice.choice([*MultitaskStrategy])
        made = await desk.create(f"r{self._number}", strategy, thread=self._thread())
        if made.decision.action is CancelAction.ROLLBACK:
            self.may_vanish |= {*made.decision.drop, *made.decision.cut}
        if made.run is not None:
            self.created[made.run.run_id] = made.run

    async def _claim(self, desk: RunDesk) -> None:
        await self._claim_with(desk, limit=self._dice.choice([1, 3]))

    async def _claim_with(self, desk: RunDesk, limit: int = 10) -> claims.Claimed:
        claimed = await desk.claim(limit=limit)
        self.claimed += claimed.runs
        return claimed

    async def _write(self, desk: RunDesk) -> None:
        run = self._attempt()
        if run is not None:
            await asyncio.to_thread(self._writers[desk].write, run.token, run.thread_id)

    async def _finish(self, desk: RunDesk) -> None:
        run = self._attempt()
        if run is not None:
            status = self._dice.choice([each for each in RunStatus if each.is_terminal])
            await self._end(desk, run, status)

    async def _end(self, desk: RunDesk, run: Run, status: RunStatus) -> None:
        """While the other goes on writing, as a worker does that was held up."""
        other = self._writers[self._desks[desk is self._desks[0]]]
        ending, _ = await asyncio.gather(
            desk.finish(run, status, IDLE),
            asyncio.to_thread(other.write, run.token, run.thread_id),
            return_exceptions=True,
        )
        if isinstance(ending, BaseException):
            raise ending
        held = ending.run
        assert run.run_id not in self.ended, f"{run.run_id} ended twice"
        rolled_back = held.cancel_action is CancelAction.ROLLBACK
        self.ended[run.run_id] = "gone" if rolled_back else status.value

    async def _cut(self, desk: RunDesk) -> None:
        run = self._attempt()
        if run is None:
            return
        found = await desk.find(run.run_id)
        if found is not None and found.cancel_action is not None:
            await desk.database.write(partial(claims.close_fence, token=run.token))
            await self._end(desk, run, RunStatus.INTERRUPTED)

    async def _cancel(self, desk: RunDesk) -> None:
        run_id = self._dice.choice([*self.created] or ["none"])
        action = self._dice.choice([*CancelAction])
        if action is CancelAction.ROLLBACK:
            self.may_vanish.add(run_id)
        if run_id in self.created:
            await desk.cancel(run_id, action=action, thread=self.created[run_id].thread_id)

    async def _sweep(self, desk: RunDesk) -> None:
        found = await desk.recover(max_attempts=MAX_ATTEMPTS)
        for run in found.exhausted:
            await self._try(lambda on, run=run: self._end(on, run, RunStatus.ERROR), desk)
        for run in found.cancelled:
            await self._try(lambda on, run=run: self._end(on, run, RunStatus.INTERRUPTED), desk)

    async def _hand_back(self, desk: RunDesk) -> None:
        run = self._attempt()
        if run is not None:
            await desk.hand_back(run)

    async def _delete_run(self, desk: RunDesk) -> None:
        run_id = self._dice.choice([*self.ended] or ["none"])
        run = await desk.find(run_id)
        if run is not None:
            self.may_vanish.add(run_id)
            await desk.database.write(partial(run_ends.delete_finished_run, run=run))

    async def _hold(self, desk: RunDesk) -> None:
        """What a state update does: hold, write, release."""
        thread_id, token = self._thread(), f"hold-{self._number}"
        until = self._clock.now() + HOLD_SECONDS * 1_000_000
        given = {"thread_id": thread_id, "token": token}
        await desk.database.write(partial(threads.hold_thread, **given, until=until))
        await asyncio.to_thread(self._writers[desk].write_state, thread_id, token)
        picture = await self._picture()
        if picture.threads[thread_id].hold_token == token:
            assert not picture.running(thread_id), f"a run started while {token} wrote"
        release = partial(threads.release_thread, **given, outcome=IDLE, now=self._clock.now())
        await desk.database.write(release)

    async def _delete_thread(self, desk: RunDesk) -> None:
        thread_id = self._thread()
        self._deleted.add(thread_id)

        def job(connection: Any) -> None:
            threads.delete_thread(connection, thread_id)
            threads.create_thread(connection, thread_id, {}, self._clock.now())

        await desk.database.write(job)

    # -- what must be true -------------------------------------------------------

    async def _picture(self) -> Picture:
        return await self._desks[0].database.read(picture_of)

    def check(self, picture: Picture) -> None:
        """Fail unless everybody's own story fits what is there."""
        check_sound(picture, max_attempts=MAX_ATTEMPTS)
        lost = self.created.keys() - picture.runs.keys() - self.may_vanish
        lost -= {name for name, end in self.ended.items() if end == "gone"}
        assert not lost, f"accepted, and not there: {lost}"
        for name, end in self.ended.items():
            assert name not in picture.runs or picture.runs[name].status == end, name
        tokens = [run.token for run in self.claimed]
        assert len(tokens) == len(set(tokens)), "one attempt was handed out twice"
        self._check_order()

    def _check_order(self) -> None:
        for thread_id in THREADS:
            first = [r for r in self.claimed if r.thread_id == thread_id and r.attempt == 1]
            assert first == sorted(first, key=lambda run: run.created_at), "out of order"

    async def _check_newcomers(self) -> None:
        """Fail when a run goes on that a newer one has stopped, or should have yielded to."""
        spared = await self._desks[0].all(_SPARED)
        assert spared == [], spared

    async def _try_what_was_lost(self) -> None:
        for run in self.claimed[-12:]:
            row = await self._desks[0].database.read(partial(run_rows.find_run, run_id=run.run_id))
            holds = row is not None and (row.status, row.attempt) == ("running", run.attempt)
            if not holds:
                desk = self._dice.choice(self._desks)
                passed = await asyncio.to_thread(
                    self._writers[desk].write, run.token, run.thread_id
                )
                assert passed == [False] * 3, f"{run.token} wrote though it is lost"
