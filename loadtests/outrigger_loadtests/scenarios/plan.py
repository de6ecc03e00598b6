"""What one conversation will do, drawn from a seed: same seed and number, same plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from outrigger_loadtests.history.operations import Strategy
from outrigger_loadtests.marks import thread_name
from outrigger_loadtests.scenarios.acts import Act
from outrigger_loadtests.scenarios.rounds import ROUNDS, Dice
from outrigger_loadtests.settings import MIXED

MOST_ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """Acts that begin together. With `rest` the next round waits until nothing is in flight.

    Before the next round people think for `think` seconds.
    """

    name: str
    acts: tuple[Act, ...]
    rest: bool
    think: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One conversation on one thread."""

    thread: str
    label: str
    probe: str
    rounds: tuple[Round, ...]

    @property
    def scenario(self) -> str:
        """The names of its rounds."""
        return "+".join(each.name for each in self.rounds)


def plan_of(seed: int, number: int, label: str, probe: str) -> Plan:
    """Draw conversation `number` of a seed under a label: a strategy's name, or `mixed`."""
    thread = thread_name(seed, number)
    chance = Random(f"{thread}/{label}/{probe}")  # noqa: S311  a plan, not a secret
    dice = Dice(thread, chance, _strategies(label))
    names, weights = list(ROUNDS), [weight for weight, _ in ROUNDS.values()]
    rounds = []
    for name in chance.choices(names, weights, k=chance.randint(1, MOST_ROUNDS)):
        dice.acts = []
        ROUNDS[name][1](dice)
        rounds.append(Round(name, tuple(dice.acts), rest=dice.perhaps(0.6)))
    return Plan(thread, label, probe, tuple(rounds))


def _strategies(label: str) -> Sequence[Strategy]:
    return tuple(Strategy) if label == MIXED else (Strategy(label),)
