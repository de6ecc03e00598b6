"""Capacity tests of known servers in simulated time, and fleets whose outcomes a test gives."""

from dataclasses import replace

from fakes.queue_transport import QueueTransport
from harness.stages import ONE_RUN, SimulatedFleet
from outrigger_loadtests.capacity.settings import Limits, capacity_settings, one_probe
from outrigger_loadtests.capacity.trial import Trial


def settings(folder, behaviour=ONE_RUN, **given):
    """A short test of one strategy, unless said otherwise."""
    check = one_probe(probe="async", strategy="enqueue", seed=given.pop("seed", 7), output=folder)
    usual = {
        "stage": 30.0,
        "warm_up": 5.0,
        "repeats": 1,
        "checked_share": 0.0,
        "closed_users": "",
        "slo_p95": ("first_event=2s",),
        "limits": Limits(),
    }
    told = {**usual, **given}
    found = capacity_settings(check=check, **{**told, "warm_up": 60.0})
    return replace(found, behaviour=behaviour, warm_up=told["warm_up"])


def trial(settings, fleet, judge=None):
    """A test whose clock stands still and that nobody watches."""
    return Trial(settings, fleet, judge or nothing_found, lambda: 0.0, Unseen())


class Unseen:
    """See `Screen`."""

    def begin(self, order):
        pass

    def end(self, stage):
        pass


def nothing_found(result):
    """Judge as a checker that looked at nothing."""
    return 0, 0


def queue_fleet(rate, workers=1, cpu=0.3):
    """Workers before a queue of this rate."""
    return SimulatedFleet(lambda clock: QueueTransport(clock, rate), workers, cpu)
