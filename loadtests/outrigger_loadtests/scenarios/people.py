"""What people of a behaviour profile do in one conversation: same seed and number, same plan."""

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import msgspec

from outrigger_loadtests.behaviour.profile import Behaviour, Recorded
from outrigger_loadtests.client.conversation import Message
from outrigger_loadtests.history.operations import Action, Endpoint, Strategy
from outrigger_loadtests.marks import thread_name, token
from outrigger_loadtests.scenarios.acts import Act, Burst, Cancel, Moment, Send, When
from outrigger_loadtests.scenarios.plan import Plan, Round
from outrigger_loadtests.settings import MIXED

MOST_TURNS = 50
MOST_SECONDS = 120.0  # that anybody waits for anything
TICK = 3  # decimals of a second


class Draft:
    """One conversation while it is drawn: chance, its tokens in order, and how many are sent."""

    def __init__(self, behaviour: Behaviour, thread: str, label: str, probe: str) -> None:
        self.behaviour = behaviour
        self.thread = thread
        self.chance = Random(f"{thread}/{label}/{probe}/{behaviour.name}")  # noqa: S311  a plan, not a secret
        self.sent = 0
        self.groups = 0
        weights = behaviour.strategies
        self._strategies = list(Strategy) if label == MIXED else [Strategy(label)]
        self._weights = [getattr(weights, each.name.lower()) for each in self._strategies]
        if not any(self._weights):
            self._weights = [1.0]

    def message(self, **fields: object) -> Message:
        """Return the next message; it is read as it comes."""
        self.sent += 1
        least, most = self.behaviour.conversation.seconds
        drawn: dict[str, object] = {
            "strategy": self.chance.choices(self._strategies, self._weights)[0],
            "seconds": round(self.chance.uniform(least, most), TICK),
        }
        return Message(
            token=token(self.thread, self.sent),
            endpoint=Endpoint.STREAM,
            **{**drawn, **fields},  # type: ignore[arg-type]
        )

    def lognormal(self, median: float, sigma: float) -> float:
        """Return how long people take, around a median."""
        drawn = median * math.exp(self.chance.gauss(0.0, sigma))
        return round(min(drawn, MOST_SECONDS), TICK)


class People:
    """Those of one behaviour profile and seed. Conversation n of theirs is always the same."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        self.behaviour = behaviour
        self.seed = seed
        self.recorded = recorded_threads(behaviour)

    def plan(self, number: int, label: str, probe: str) -> Plan:
        """Draw conversation `number` under a label: a strategy's name, or `mixed`."""
        thread = thread_name(self.seed, number)
        draft = Draft(self.behaviour, thread, label, probe)
        if self.recorded:
            recorded = self.recorded[number % len(self.recorded)]
            return Plan(thread, label, probe, (_replayed(draft, recorded),))
        people = _people(draft)
        least, most = self.behaviour.conversation.runs
        wanted = draft.chance.randint(least, most) * people
        rounds: list[Round] = []
        while draft.sent < wanted and len(rounds) < MOST_TURNS:
            rounds.append(_turn(draft, people))
        rounds[-1] = replace(rounds[-1], think=0.0)  # they go
        return Plan(thread, label, probe, tuple(rounds))


def recorded_threads(behaviour: Behaviour) -> list[list[Recorded]]:
    """Return a recording's messages by thread, in the order in which the threads begin."""
    found: dict[str, list[Recorded]] = {}
    for each in behaviour.recording:
        found.setdefault(each.thread, []).append(each)
    return list(found.values())


def _replayed(draft: Draft, recorded: Sequence[Recorded]) -> Round:
    """Repeat a recorded thread: its messages come as they came, whatever is answered."""
    acts: list[Act] = []
    for each in recorded:
        given: dict[str, object] = {}
        if each.strategy:
            given["strategy"] = Strategy(each.strategy)
        if each.seconds is not None:
            given["seconds"] = each.seconds
        delay = round(each.at - recorded[0].at, TICK)
        acts.append(Act(When(delay=delay), Send(draft.message(**given))))
    return Round("replay", tuple(acts), rest=False)


def _people(draft: Draft) -> int:
    """Return how many people talk on the thread."""
    hot = draft.behaviour.hot
    if draft.chance.random() >= hot.share:
        return 1
    sizes = range(2, hot.most + 1)
    return draft.chance.choices(sizes, [size**-hot.zipf for size in sizes])[0]


def _turn(draft: Draft, people: int) -> Round:
    """Draw what everybody does in one turn; people on one thread do not begin all at once."""
    think = draft.behaviour.conversation.think
    names: list[str] = []
    acts: list[Act] = []
    for person in range(people):
        begin = draft.lognormal(think.median, think.sigma) if person else 0.0
        name = _kind(draft)
        names.append(name)
        acts += _TURNS[name](draft, begin)
    pause = draft.lognormal(think.median, think.sigma)
    return Round("&".join(names), tuple(acts), rest=False, think=pause)


def _kind(draft: Draft) -> str:
    weights = msgspec.structs.asdict(draft.behaviour.mix)
    return draft.chance.choices(list(weights), list(weights.values()))[0]


def _single(draft: Draft, begin: float) -> Sequence[Act]:
    return [_send(draft.message(), begin)]


def _follow_up(draft: Draft, begin: float) -> Sequence[Act]:
    told = draft.behaviour.follow_up
    later = begin + draft.lognormal(told.median, told.sigma)
    return [_send(draft.message(), begin), _send(draft.message(), later)]


def _double_click(draft: Draft, begin: float) -> Sequence[Act]:
    told = draft.behaviour.double_click
    later = begin + draft.chance.uniform(told.least, told.most)
    return [_send(draft.message(), begin), _send(draft.message(), later)]


def _impatience(draft: Draft, begin: float) -> Sequence[Act]:
    first = draft.message()
    mean = draft.behaviour.impatience.mean
    waits = draft.chance.expovariate(1 / mean) if mean else 0.0
    delay = round(begin + min(waits, MOST_SECONDS), TICK)
    again = Act(When(delay=delay, unless_heard=first.token), Send(draft.message()))
    return [_send(first, begin), again]


def _stop(draft: Draft, begin: float) -> Sequence[Act]:
    told = draft.behaviour.stop
    first = draft.message()
    later = draft.lognormal(told.median, told.sigma)
    stop = Act(
        When(Moment.ANSWERED, first.token, later), Cancel(first.token, Action.INTERRUPT, wait=False)
    )
    retyped = When(Moment.ANSWERED, first.token, round(later + told.retype, TICK))
    return [_send(first, begin), stop, Act(retyped, Send(draft.message()))]


def _storm(draft: Draft, begin: float) -> Sequence[Act]:
    draft.groups += 1
    group = f"{draft.thread}/{draft.groups}"
    count = draft.behaviour.storm.messages
    messages = tuple(draft.message(together=group) for _ in range(count))
    return [Act(When(delay=begin), Burst(messages))]


def _drip(draft: Draft, begin: float) -> Sequence[Act]:
    told = draft.behaviour.drip
    return [_send(draft.message(), begin + told.every * n) for n in range(told.messages)]


def _send(message: Message, delay: float) -> Act:
    return Act(When(delay=round(delay, TICK)), Send(message))


_TURNS = {
    "single": _single,
    "follow_up": _follow_up,
    "double_click": _double_click,
    "impatience": _impatience,
    "stop": _stop,
    "storm": _storm,
    "drip": _drip,
}
