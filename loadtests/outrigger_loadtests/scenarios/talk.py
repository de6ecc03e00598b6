"""Carries out a plan: every act in a process of its own, a watcher beside them, then the end."""

from functools import partial
from random import Random

from outrigger_loadtests.client import reads, sends, streams
from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.clock import Task
from outrigger_loadtests.history.operations import IN_FLIGHT, PENDING
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.scenarios.acts import (
    Act,
    Await,
    Burst,
    Cancel,
    Look,
    Moment,
    Send,
    Watch,
    When,
)
from outrigger_loadtests.scenarios.plan import Plan
from outrigger_loadtests.scenarios.settling import Patience, settle, until_quiet

POLL_SECONDS = 0.03
MOMENT_SECONDS = 20.0
MOST_ACTS = 1000  # of a conversation
HURRY_SECONDS = 0.2  # after which who thinks knows that there is a hurry


def talk(client: Client, plan: Plan, patience: Patience, until: int | None = None) -> bool:
    """Hold one conversation from the opening of its thread to the last reads of it at rest.

    It begins no round when the clock shows more than `until`. Returns whether the thread could be
    opened at all.
    """
    if not sends.open_thread(client, plan.label, plan.scenario):
        return False
    watcher = _Watcher(client.beside(1), Random(plan.thread))  # noqa: S311  a plan, not a secret
    watching = client.clock.start(watcher.watch)
    begun: list[_Doing] = []
    tasks: list[Task] = []
    for each in plan.rounds:
        if patience.hurry or (begun and until is not None and client.clock.now() > until):
            break
        doings = [_Doing(client.beside(2 + len(begun) + n), act) for n, act in enumerate(each.acts)]
        begun += doings
        tasks += [client.clock.start(doing.do) for doing in doings]
        while not all(doing.is_done for doing in doings):
            client.clock.sleep(POLL_SECONDS)
        if each.rest:
            until_quiet(client, patience.settle)
        _think(client, each.think, patience)
    watcher.stop()
    watching.join()
    settle(client, plan, tasks, patience)
    return True


class _Doing:
    """One act on its way. Reading goes on behind it: a round does not wait for its readers."""

    def __init__(self, client: Client, act: Act) -> None:
        self._client = client
        self._act = act
        self._ended = isinstance(act.what, Watch | Await)

    @property
    def is_done(self) -> bool:
        """Whether the round may end as far as this act is concerned."""
        answered = self._client.conversation.answered
        sent = [each.token in answered for each in self._act.messages]
        return self._ended or (bool(sent) and all(sent))

    def do(self) -> None:
        """Wait for the act's moment and carry it out."""
        try:
            if _come(self._client, self._act.when):
                self._carry_out()
            else:
                tokens = (each.token for each in self._act.messages)
                self._client.conversation.unsent.update(tokens)
        finally:
            self._ended = True

    def _carry_out(self) -> None:
        client, what = self._client, self._act.what
        if isinstance(what, Send):
            sends.send(client, what.message)
        elif isinstance(what, Burst):
            self._send_together(what)
        elif isinstance(what, Look):
            reads.read_state(client)
        else:
            self._on_run(what)

    def _send_together(self, what: Burst) -> None:
        clock = self._client.clock
        senders = [
            self._client.beside(MOST_ACTS * (number + 1) + self._client.process)
            for number in range(len(what.messages))
        ]
        pairs = zip(senders, what.messages, strict=True)
        for task in [clock.start(partial(sends.send, *pair)) for pair in pairs]:
            task.join()

    def _on_run(self, what: Cancel | Watch | Await) -> None:
        client = self._client
        run_id = client.conversation.runs.get(what.token)
        if run_id is None:
            return
        if isinstance(what, Cancel):
            sends.cancel(client, run_id, what.action, wait=what.wait)
            reads.read_run(client, run_id)
            reads.read_state(client)
        elif isinstance(what, Await):
            streams.join(client, run_id, what.token)
        else:
            last = streams.read_stream(
                client, run_id, what.token, what.answers, stop_after=what.pieces
            )
            if what.pieces and last:
                streams.read_stream(client, run_id, what.token, what.answers, after_id=last)


def _come(client: Client, when: When) -> bool:
    """Wait for a moment; False when it did not come in time, or never will."""
    clock = client.clock
    deadline = clock.now() + int(MOMENT_SECONDS * NANOSECONDS)
    while (there := _is_there(client, when)) is not True:
        if there is None or clock.now() > deadline:
            return False
        clock.sleep(POLL_SECONDS)
    clock.sleep(when.delay)
    return when.unless_heard not in client.conversation.heard


def _think(client: Client, seconds: float, patience: Patience) -> None:
    """Let people think; in a hurry nobody does."""
    until = client.clock.now() + int(seconds * NANOSECONDS)
    while not patience.hurry and (left := until - client.clock.now()) > 0:
        client.clock.sleep(min(left / NANOSECONDS, HURRY_SECONDS))


def _is_there(client: Client, when: When) -> bool | None:
    """Whether the moment is there; None when it will never be."""
    conversation = client.conversation
    if when.moment is Moment.NOW:
        return True
    if when.token in conversation.unsent:
        return None
    if when.token not in conversation.answered:
        return False
    run_id = conversation.runs.get(when.token)
    if run_id is None:
        return None if when.moment is Moment.ASKED else True
    return when.moment is Moment.ANSWERED or _has_come(client, when, run_id)


def _has_come(client: Client, when: When, run_id: str) -> bool | None:
    status = reads.read_run(client, run_id)
    if when.moment is Moment.RUNNING:
        return status not in {PENDING, ""}
    if status in IN_FLIGHT or not status:
        return False
    if when.moment is Moment.ENDED:
        return True
    questions = reads.read_state(client)
    if questions is None:
        return False
    return True if when.token in questions else None


class _Watcher:
    """Looks at the thread and its runs every now and then, as a user interface does."""

    def __init__(self, client: Client, chance: Random) -> None:
        self._client = client
        self._chance = chance
        self._ended: set[str] = set()
        self._stopped = False

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True

    def watch(self) -> None:
        """Look until stopped."""
        client = self._client
        while not self._stopped:
            client.clock.sleep(self._chance.uniform(0.06, 0.25))
            if self._perhaps(0.6):
                reads.read_thread(client)
            if self._perhaps(0.3):
                reads.read_state(client)
            waiting = [
                each for each in client.conversation.runs.values() if each not in self._ended
            ]
            for run_id in waiting[:3]:
                if reads.read_run(client, run_id) not in {*IN_FLIGHT, ""}:
                    self._ended.add(run_id)

    def _perhaps(self, share: float) -> bool:
        return self._chance.random() < share
