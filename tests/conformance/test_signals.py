"""What every broker's wake-ups and cancel signals do; see `Wakeups` and `CancelSignals`."""

import asyncio

from outrigger_server.domain.run import CancelAction

FOREVER = 30.0


async def wake(wakeups, timeout=FOREVER):
    async with asyncio.timeout(5):
        await wakeups.wait(timeout)


async def waits_on(task):
    """True when the task still waits after everything that was ready has run."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def delivered(signals):
    """Return when the signals sent before have been delivered: they keep their order."""
    came = asyncio.Event()
    signals.listen("mark", lambda _: came.set())
    signals.send("mark", CancelAction.INTERRUPT)
    async with asyncio.timeout(5):
        await came.wait()
    signals.forget("mark")


async def test_a_notification_wakes_a_waiter(wakeups):
    waiting = asyncio.create_task(wake(wakeups))
    await asyncio.sleep(0)
    wakeups.notify()
    await waiting


async def test_a_notification_before_the_wait_is_not_lost(wakeups):
    wakeups.notify()
    await wake(wakeups)


async def test_many_notifications_wake_once(wakeups):
    for _ in range(3):
        wakeups.notify()
    await wake(wakeups)
    waiting = asyncio.create_task(wake(wakeups))
    assert await waits_on(waiting)
    wakeups.notify()
    await waiting


async def test_a_wait_ends_by_itself_when_nothing_happens(wakeups):
    await wake(wakeups, timeout=0.001)


async def test_a_notification_counts_for_the_wait_after_one_that_timed_out(wakeups):
    await wake(wakeups, timeout=0.001)
    wakeups.notify()
    await wake(wakeups)


async def test_a_signal_reaches_its_listener(signals):
    heard = []
    signals.listen("r", heard.append)
    signals.send("r", CancelAction.INTERRUPT)
    signals.send("r", CancelAction.ROLLBACK)
    await delivered(signals)
    assert heard == [CancelAction.INTERRUPT, CancelAction.ROLLBACK]


async def test_a_signal_reaches_no_listener_of_another_run(signals):
    heard = []
    signals.listen("other", heard.append)
    signals.send("r", CancelAction.INTERRUPT)
    await delivered(signals)
    assert heard == []


async def test_a_signal_that_comes_before_its_listener_is_kept_for_it_once(signals):
    heard = []
    signals.send("r", CancelAction.INTERRUPT)
    await delivered(signals)
    signals.listen("r", heard.append)
    signals.forget("r")
    signals.listen("r", heard.append)
    await delivered(signals)
    assert heard == [CancelAction.INTERRUPT]


async def test_of_two_early_signals_the_stronger_one_is_kept(signals):
    heard = []
    signals.send("r", CancelAction.ROLLBACK)
    signals.send("r", CancelAction.INTERRUPT)
    await delivered(signals)
    signals.listen("r", heard.append)
    assert heard == [CancelAction.ROLLBACK]


async def test_a_listener_that_was_forgotten_hears_nothing(signals):
    heard = []
    signals.listen("r", heard.append)
    signals.forget("r")
    signals.send("r", CancelAction.INTERRUPT)
    await delivered(signals)
    assert heard == []


async def test_forgetting_a_run_that_nobody_listens_to_is_harmless(signals):
    signals.forget("r")
