"""The ways in which people double-text, as acts. Everything is drawn from the dice given."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from outrigger_loadtests.client.conversation import Message
from outrigger_loadtests.history.operations import Action, Endpoint, Strategy
from outrigger_loadtests.marks import token
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

CUTTING = (Strategy.INTERRUPT, Strategy.ROLLBACK)
LONG_SECONDS = 4.6  # longer than any grace: a run that goes on after its cut is caught


@dataclass
class Dice:
    """Chance, and the tokens of one conversation in order."""

    thread: str
    chance: Random
    strategies: Sequence[Strategy]
    sent: int = 0
    groups: int = 0
    acts: list[Act] = field(default_factory=list)

    def token(self) -> str:
        """Return the next token."""
        self.sent += 1
        return token(self.thread, self.sent)

    def group(self) -> str:
        """Return the name of the next group that is sent together."""
        self.groups += 1
        return f"{self.thread}/{self.groups}"

    def perhaps(self, share: float) -> bool:
        """Return True in this share of all cases."""
        return self.chance.random() < share

    def strategy(self) -> Strategy:
        """Return a strategy of those the conversation uses."""
        return self.chance.choice(self.strategies)

    def seconds(self) -> float:
        """Return how long a run works: mostly short, sometimes not."""
        return round(self.chance.choice((0.05, 0.1, 0.2, 0.3, 0.5, 0.8)), 2)

    def victim_seconds(self) -> float:
        """Return how long a run works that may get cut: sometimes longer than any grace."""
        cuts = any(each in CUTTING for each in self.strategies)
        return LONG_SECONDS if cuts and self.perhaps(0.1) else self.seconds()

    def pause(self, most: float = 0.6) -> float:
        """Return how long people wait."""
        return round(self.chance.uniform(0.0, most), 3)


def _message(dice: Dice, seconds: float | None = None, **fields: object) -> Message:
    return Message(
        token=dice.token(),
        strategy=dice.strategy(),
        seconds=dice.seconds() if seconds is None else seconds,
        endpoint=dice.chance.choices(
            (Endpoint.BACKGROUND, Endpoint.STREAM, Endpoint.WAIT), (5, 3, 2)
        )[0],
        **fields,  # type: ignore[arg-type]
    )


def _send(dice: Dice, when: When, seconds: float | None = None, **fields: object) -> Message:
    """Plan a message and, often, somebody who reads along."""
    message = _message(dice, seconds, **fields)
    dice.acts.append(Act(when, Send(message)))
    dice.acts += _readers(dice, message)
    return message


def _burst(dice: Dice, when: When, count: int, seconds: float, **fields: object) -> None:
    """Plan messages that are sent at the same moment."""
    group = dice.group()
    messages = [_message(dice, seconds, together=group, **fields) for _ in range(count)]
    dice.acts.append(Act(when, Burst(tuple(messages))))
    for message in messages:
        dice.acts += _readers(dice, message)


def _readers(dice: Dice, message: Message) -> Iterator[Act]:
    then = When(Moment.ANSWERED, message.token, dice.pause(0.2))
    if dice.perhaps(0.25):
        yield Act(then, Await(message.token))
    if dice.perhaps(0.25):
        yield Act(then, Watch(message.token, message.answers))
        yield Act(then, Watch(message.token, message.answers, pieces=dice.chance.randint(1, 5)))
    if dice.perhaps(0.3):
        yield Act(When(Moment.ENDED, message.token), Look())


def _second(dice: Dice, first: Message) -> When:
    """Half of the second messages wait until the first run is running."""
    if dice.perhaps(0.5):
        return When(Moment.RUNNING, first.token, dice.pause(0.1))
    return When(Moment.ANSWERED, first.token, dice.pause())


def double(dice: Dice) -> None:
    """A second message before the first reply."""
    first = _send(dice, When(), dice.victim_seconds())
    _send(dice, _second(dice, first))


def drip(dice: Dice) -> None:
    """A few messages, one shortly after the other."""
    last = _send(dice, When(), dice.victim_seconds())
    for _ in range(dice.chance.randint(2, 4)):
        last = _send(dice, _second(dice, last), dice.victim_seconds())
    dice.acts.append(Act(When(Moment.ANSWERED, last.token, dice.pause()), Look()))


def together(dice: Dice) -> None:
    """Two or three messages at the same moment on a thread with nothing in flight."""
    cuts = all(each in CUTTING for each in dice.strategies)
    seconds = dice.chance.choice((0.3, 1.0, LONG_SECONDS) if cuts else (0.3, 0.5))
    _burst(dice, When(), dice.chance.randint(2, 3), seconds)


def storm(dice: Dice) -> None:
    """Many messages at the same moment while a run is at work."""
    first = _send(dice, When(), dice.victim_seconds())
    _burst(dice, _second(dice, first), dice.chance.randint(4, 8), min(dice.seconds(), 0.5))


def queue(dice: Dice) -> None:
    """Messages that wait behind a run, and then one that meets them all."""
    first = _send(dice, When(), dice.chance.choice((0.8, 1.5)))
    last = first
    for _ in range(dice.chance.randint(1, 3)):
        waiting = Message(dice.token(), Strategy.ENQUEUE, dice.seconds())
        dice.acts.append(Act(When(Moment.ANSWERED, last.token, 0.02), Send(waiting)))
        dice.acts += _readers(dice, waiting)
        last = waiting
    _send(dice, When(Moment.ANSWERED, last.token, dice.pause(0.3)))


def stop(dice: Dice) -> None:
    """Stop the reply, at any moment, and often say something else."""
    first = _send(dice, When(), dice.victim_seconds())
    for _ in range(dice.chance.choice((1, 1, 2))):
        action = dice.chance.choice((Action.INTERRUPT, Action.ROLLBACK))
        moment = dice.chance.choice((Moment.ANSWERED, Moment.RUNNING, Moment.RUNNING, Moment.ENDED))
        cancel = Cancel(first.token, action, wait=dice.perhaps(0.5))
        dice.acts.append(Act(When(moment, first.token, dice.pause(0.5)), cancel))
    if dice.perhaps(0.6):
        _send(dice, When(Moment.RUNNING, first.token, dice.pause(1.0)))


def answers(dice: Dice) -> None:
    """A run asks; it is answered once, twice at the same moment, or the answer is taken back."""
    linger = dice.chance.choice((0.0, 0.0, 0.4))
    question = _send(dice, When(), 0.05, asks=True, linger=linger)
    asked = When(Moment.ASKED, question.token)
    way = dice.chance.choice((_one_answer, _two_answers, _withdrawn, _talked_over))
    way(dice, question, asked)


def _one_answer(dice: Dice, question: Message, asked: When) -> None:
    answer = _send(dice, asked, 0.0, answers=question.token)
    dice.acts.append(Act(When(Moment.ENDED, answer.token), Look()))


def _two_answers(dice: Dice, question: Message, asked: When) -> None:
    _burst(dice, asked, 2, 0.0, answers=question.token)


def _withdrawn(dice: Dice, question: Message, asked: When) -> None:
    taken_back = _send(dice, asked, 0.0, answers=question.token)
    cancel = Cancel(taken_back.token, Action.ROLLBACK, wait=True)
    dice.acts.append(Act(When(Moment.RUNNING, taken_back.token, dice.pause(0.2)), cancel))
    dice.acts.append(Act(When(Moment.ENDED, taken_back.token, 0.1), Look()))
    _send(dice, When(Moment.ENDED, taken_back.token, 0.4), 0.0, answers=question.token)


def _talked_over(dice: Dice, question: Message, asked: When) -> None:
    _send(dice, asked)


def delayed(dice: Dice) -> None:
    """A message for later, and one now."""
    first = _send(dice, When(), after_seconds=0.5)
    _send(dice, When(Moment.ANSWERED, first.token, dice.pause()))


def turns(dice: Dice) -> None:
    """People who wait for the reply."""
    last = _send(dice, When())
    for _ in range(2):
        last = _send(dice, When(Moment.ENDED, last.token, dice.pause(0.1)))


ROUNDS: dict[str, tuple[int, Callable[[Dice], None]]] = {
    "double": (5, double),
    "drip": (3, drip),
    "together": (3, together),
    "storm": (2, storm),
    "queue": (3, queue),
    "stop": (3, stop),
    "answers": (3, answers),
    "delayed": (1, delayed),
    "turns": (1, turns),
}
