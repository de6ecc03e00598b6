"""Plans are drawn from a seed and nothing else, and hold what people do."""

from collections import Counter

import pytest

from outrigger_loadtests.history.operations import Strategy
from outrigger_loadtests.marks import TOKEN, thread_of
from outrigger_loadtests.scenarios.acts import Burst, Cancel, Moment, Send
from outrigger_loadtests.scenarios.plan import Plan, plan_of
from outrigger_loadtests.scenarios.rounds import LONG_SECONDS, ROUNDS
from outrigger_loadtests.settings import LABELS

PROBE = "probe_async"


def plans(label: str, count: int = 200) -> list[Plan]:
    return [plan_of(1, number, label, PROBE) for number in range(count)]


def acts_of(plan: Plan):
    return [act for each in plan.rounds for act in each.acts]


def messages_of(plan: Plan):
    return [message for act in acts_of(plan) for message in act.messages]


def test_the_same_seed_and_number_give_the_same_plan() -> None:
    assert plans("mixed") == plans("mixed")


def test_another_number_seed_or_label_gives_another_plan() -> None:
    plan = plan_of(1, 0, "mixed", PROBE)
    assert plan.rounds != plan_of(1, 1, "mixed", PROBE).rounds
    assert plan.rounds != plan_of(2, 0, "mixed", PROBE).rounds
    assert plan.rounds != plan_of(1, 0, "reject", PROBE).rounds


@pytest.mark.parametrize("label", Strategy)
def test_a_strategy_is_tested_by_its_own_messages_and_what_waits_for_them(label: Strategy) -> None:
    used = Counter(message.strategy for plan in plans(label) for message in messages_of(plan))
    assert set(used) <= {label, Strategy.ENQUEUE}
    assert used[label] > sum(used.values()) / 2


def test_mixed_plans_use_every_strategy_on_one_thread() -> None:
    used = [len({message.strategy for message in messages_of(plan)}) for plan in plans("mixed")]
    assert max(used) == len(Strategy)


@pytest.mark.parametrize("label", LABELS)
def test_every_token_is_new_and_names_its_conversation(label: str) -> None:
    seen: set[str] = set()
    for plan in plans(label):
        for message in messages_of(plan):
            assert TOKEN.fullmatch(message.token)
            assert thread_of(message.token) == plan.thread
            assert message.token not in seen
            seen.add(message.token)


@pytest.mark.parametrize("label", LABELS)
def test_an_act_waits_only_for_what_is_sent(label: str) -> None:
    for plan in plans(label):
        sent = {message.token for message in messages_of(plan)}
        waited_for = {act.when.token for act in acts_of(plan)} - {""}
        assert waited_for <= sent


def test_every_kind_of_round_is_drawn() -> None:
    drawn = {each.name for plan in plans("mixed") for each in plan.rounds}
    assert drawn == set(ROUNDS)


def test_half_of_the_second_messages_wait_until_the_first_run_is_running() -> None:
    moments = Counter(
        each.acts[1 + _readers(each.acts)].when.moment
        for plan in plans("mixed", 600)
        for each in plan.rounds
        if each.name == "double"
    )
    share = moments[Moment.RUNNING] / sum(moments.values())
    assert set(moments) == {Moment.RUNNING, Moment.ANSWERED}
    assert 0.4 < share < 0.6


def _readers(acts) -> int:
    """How many acts stand between the first and the second message."""
    sends = [number for number, act in enumerate(acts) if isinstance(act.what, Send)]
    return sends[1] - 1


def test_there_are_storms_cancels_answers_and_simultaneous_sends() -> None:
    acts = [act for plan in plans("mixed") for act in acts_of(plan)]
    bursts = [len(act.what.messages) for act in acts if isinstance(act.what, Burst)]
    assert max(bursts) >= 6
    assert min(bursts) == 2
    cancels = Counter(
        (act.what.action, act.what.wait) for act in acts if isinstance(act.what, Cancel)
    )
    assert len(cancels) == 4
    assert any(message.answers for act in acts for message in act.messages)


def test_messages_of_a_burst_share_a_group_that_no_other_has() -> None:
    groups: list[str] = []
    for plan in plans("reject"):
        for act in acts_of(plan):
            if isinstance(act.what, Burst):
                (group,) = {message.together for message in act.what.messages}
                groups.append(group)
    assert len(groups) == len(set(groups))
    assert all(groups)


@pytest.mark.parametrize(("label", "some"), [("interrupt", True), ("enqueue", False)])
def test_some_victims_work_longer_than_any_grace(label: str, *, some: bool) -> None:
    long = [
        message
        for plan in plans(label)
        for message in messages_of(plan)
        if message.seconds == LONG_SECONDS
    ]
    assert bool(long) is some
