from random import Random

from fakes.graph_server.bugs import CORRECT
from fakes.graph_server.clock import SimulatedClock
from fakes.graph_server.server import FakeServer
from fakes.graph_server.transport import SimulatedTransport
from outrigger_loadtests.client.client import Client
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.transport import Answer
from outrigger_loadtests.history.operations import HistoryRead, Outcome
from outrigger_loadtests.scenarios.plan import plan_of
from outrigger_loadtests.scenarios.settling import Patience
from outrigger_loadtests.scenarios.talk import talk


class AwayForAWhile:
    """A server that cannot be asked for the history the first few times."""

    def __init__(self, transport, times):
        self._transport = transport
        self._times = times

    def request(self, method, path, body=None, **rest):
        if path.endswith("/history") and self._times:
            self._times -= 1
            return Answer(503)
        return self._transport.request(method, path, body, **rest)

    def stream(self, *given, **rest):
        return self._transport.stream(*given, **rest)


def histories_read(times, patience):
    """The outcomes of the last reads of a history that cannot be read so many times."""
    clock, chance, recorded = SimulatedClock(), Random(1), []
    server = SimulatedTransport(FakeServer(clock, chance, CORRECT), clock, chance, weather=0.0)
    plan = plan_of(1, 1, "enqueue", "probe_async")
    conversation = Conversation(plan.thread, plan.probe)
    client = Client(AwayForAWhile(server, times), clock, recorded.append, conversation)
    clock.run(lambda: talk(client, plan, patience))
    return [each.outcome for each in recorded if isinstance(each, HistoryRead)]


def test_a_last_read_that_fails_is_tried_again_as_often_as_patience_says():
    assert histories_read(2, Patience()) == [Outcome.INFO, Outcome.INFO, Outcome.OK]
    assert histories_read(3, Patience()) == [Outcome.INFO] * 3
    assert histories_read(50, Patience(tries=100)) == [*[Outcome.INFO] * 50, Outcome.OK]
