"""Lets a stage begin in the middle: with those people who would have come before it.

A conversation takes long compared with a stage. Where all of them began with the stage, it would
take as long until as many go on as belong to its rate, and what was measured before would be less
load than the stage's name says.
"""

from collections.abc import Iterator
from dataclasses import replace

from outrigger_loadtests.generator.arrivals import arrivals
from outrigger_loadtests.generator.stage import BEFORE, Order
from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.scenarios.people import People
from outrigger_loadtests.scenarios.plan import Plan, Round

LOOK_BACK = 120.0  # seconds; who came before has gone, or does not count
SAMPLE = 100  # conversations that say how long they are


def seconds_of(turn: Round) -> float:
    """Return how long a turn takes with the thinking after it, where nothing makes it longer."""
    acts = (
        act.when.delay + max((each.seconds for each in act.messages), default=0.0)
        for act in turn.acts
    )
    return max(acts, default=0.0) + turn.think


def rest_of(plan: Plan, elapsed: float) -> tuple[float, Plan] | None:
    """Return what is left of a conversation of so many seconds ago, and in how many it goes on.

    None when it has had its last turn by then.
    """
    begin = 0.0
    for number, turn in enumerate(plan.rounds):
        if begin >= elapsed:
            return begin - elapsed, replace(plan, rounds=plan.rounds[number:])
        begin += seconds_of(turn)
    return None


def people_before(people: People, order: Order) -> Iterator[tuple[int, int, Plan]]:
    """Yield those who are in the middle of a conversation when a stage begins, of all workers.

    Each is a number from `BEFORE` on, in how many nanoseconds it goes on, and the plan from there.
    Who thinks until the stage is over is not among them.
    """
    back = _look_back(people, order)
    if not back:
        return
    moments = arrivals(people.behaviour, f"{order.seed}/{order.number}/before", order.rate, back)
    for number, moment in enumerate(moments, order.first_number + BEFORE):
        elapsed = back - moment / NANOSECONDS
        found = rest_of(people.plan(number, order.label, order.probe), elapsed)
        if found is not None and found[0] < order.seconds:
            yield number, int(found[0] * NANOSECONDS), found[1]


def _look_back(people: People, order: Order) -> float:
    """Return within how many seconds before a stage those have come who are still there."""
    plans = (people.plan(number, order.label, order.probe) for number in range(SAMPLE))
    longest = max(sum(seconds_of(each) for each in plan.rounds[:-1]) for plan in plans)
    return min(LOOK_BACK, longest)
