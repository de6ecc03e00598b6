"""The crowd as Locust users. Importing this imports Locust, which patches the process."""

from locust import User, constant, task
from locust.exception import StopUser

from outrigger_loadtests.scenarios.crowd import Crowd


class DoubleTexter(User):
    """Holds one conversation after the other, begins none after `begin_until`, then leaves.

    A subclass names the crowd, the graph and the moments: Locust makes the users itself.
    """

    abstract = True
    wait_time = constant(0)
    crowd: Crowd
    probe: str
    begin_until: int
    until: int

    @task
    def converse(self) -> None:
        """Hold conversations."""
        self.crowd.hold_conversations(self.probe, self.begin_until, self.until)
        raise StopUser
