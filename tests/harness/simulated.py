"""Whole conversations with the fake server in simulated time: milliseconds, not minutes."""

from collections.abc import Iterable, Sequence
from random import Random

from fakes.graph_server.bugs import CORRECT, Bugs
from fakes.graph_server.clock import SimulatedClock
from fakes.graph_server.server import FakeServer
from fakes.graph_server.transport import SimulatedTransport
from outrigger_loadtests.checkers.case import Invariant
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.checkers.judge import judge
from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.history.file import encode, lines_by_thread, operations_of
from outrigger_loadtests.history.operations import AnyOperation, Operation
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.profiles import OUTRIGGER, ServerProfile
from outrigger_loadtests.scenarios.plan import Plan, plan_of
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.scenarios.talk import talk
from outrigger_loadtests.settings import LABELS, PROBES
from outrigger_loadtests.verdict import Examination


def plans(seed: int, numbers: Iterable[int]) -> list[Plan]:
    """Plans of every label and probe in turn."""
    return [
        plan_of(seed, n, LABELS[n % len(LABELS)], f"probe_{PROBES[n // len(LABELS) % len(PROBES)]}")
        for n in numbers
    ]


def converse(
    plans: Sequence[Plan], seed: int, bugs: Bugs = CORRECT, weather: float = 0.0
) -> list[list[AnyOperation]]:
    """Hold conversations at once with one server and return the operations of each.

    They go through their file's form, as those of a real check do.
    """
    chance = Random(seed)
    clock = SimulatedClock()
    transport = SimulatedTransport(FakeServer(clock, chance, bugs), clock, chance, weather=weather)
    recorded: list[Operation] = []

    def hold(plan: Plan) -> None:
        client = Client(transport, clock, recorded.append, Conversation(plan.thread, plan.probe))
        talk(client, plan, Patience())

    def everybody() -> None:
        tasks = [clock.start(lambda plan=plan: hold(plan)) for plan in plans]
        for task in tasks:
            task.join()

    clock.run(everybody)
    grouped = lines_by_thread(encode(recorded).splitlines())
    return [operations_of(lines) for lines in grouped.values()]


def judged(
    conversations: Iterable[Sequence[AnyOperation]],
    invariants: Sequence[Invariant] = INVARIANTS,
    profile: ServerProfile = OUTRIGGER,
) -> dict[str, Examination]:
    """Judge conversations and return what each invariant came to over all of them."""
    results: dict[str, Examination] = {each.name: Examination() for each in invariants}
    for operations in conversations:
        thread = read_thread(operations)
        if thread is not None:
            for name, examination in judge(thread, profile, invariants).items():
                results[name].add(examination)
    return results
