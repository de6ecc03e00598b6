"""What people of a profile do: as often as it says, and the same again for the same seed."""

from collections import Counter
from pathlib import Path

import pytest

from outrigger_loadtests.behaviour.file import SHIPPED, read_behaviour, shipped
from outrigger_loadtests.scenarios.acts import Burst, Cancel, Send
from outrigger_loadtests.scenarios.people import People
from outrigger_loadtests.scenarios.plan import Plan

PROBE = "probe_async"
MANY = 2000


def plans(name: str, label: str = "enqueue", seed: int = 7, count: int = MANY) -> list[Plan]:
    people = People(shipped(name), seed)
    return [people.plan(number, label, PROBE) for number in range(count)]


def messages(plan: Plan) -> list[str]:
    return [each.token for turn in plan.rounds for act in turn.acts for each in act.messages]


@pytest.mark.parametrize("name", SHIPPED)
def test_same_seed_and_number_same_plan(name: str) -> None:
    assert plans(name, count=50) == plans(name, count=50)
    assert plans(name, count=50) != plans(name, seed=8, count=50)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_message_of_every_plan_is_told_apart(name: str) -> None:
    tokens = [token for plan in plans(name, count=300) for token in messages(plan)]
    assert len(set(tokens)) == len(tokens)


def test_people_do_what_the_mix_says_as_often_as_it_says() -> None:
    turns = Counter(
        name for plan in plans("default") for turn in plan.rounds for name in turn.name.split("&")
    )
    total = sum(turns.values())
    shares = {name: count / total for name, count in turns.items()}
    wanted = {"single": 0.70, "follow_up": 0.15, "double_click": 0.06, "impatience": 0.06}
    for name, share in wanted.items():
        assert shares[name] == pytest.approx(share, abs=0.015)
    assert shares["stop"] == pytest.approx(0.03, abs=0.01)


def test_conversations_are_as_long_as_the_profile_says() -> None:
    short = [each for each in plans("assistant") if "&" not in each.scenario]
    counts = {len(messages(each)) for each in short}
    assert counts <= {3, 4, 5}  # a turn of two messages may be the last
    assert {3, 4} <= counts
    lasting = [m.seconds for p in short for t in p.rounds for a in t.acts for m in a.messages]
    assert 2.0 <= min(lasting) < 2.2
    assert 7.8 < max(lasting) <= 8.0


def test_nobody_thinks_after_the_last_turn() -> None:
    assert all(plan.rounds[-1].think == 0.0 for plan in plans("default", count=200))
    assert all(turn.think > 0 for plan in plans("default", count=200) for turn in plan.rounds[:-1])


def test_a_storm_is_sent_at_one_moment_and_a_drip_is_not() -> None:
    storm = plans("storm", count=1)[0].rounds[0].acts[0].what
    assert isinstance(storm, Burst)
    assert len(storm.messages) == 6
    drip = plans("drip", count=1)[0].rounds[0].acts
    assert [act.when.delay for act in drip] == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_hot_threads_have_many_people_by_zipf() -> None:
    people = Counter(plan.rounds[0].name.count("&") + 1 for plan in plans("hot_thread"))
    assert min(people) == 2
    assert max(people) <= 20
    assert people[2] > people[4] > people[10]


def test_who_stops_cancels_and_says_something_else() -> None:
    stopping = next(
        turn for plan in plans("default") for turn in plan.rounds if turn.name == "stop"
    )
    first, cancel, again = (act.what for act in stopping.acts)
    assert isinstance(first, Send)
    assert isinstance(cancel, Cancel)
    assert isinstance(again, Send)
    assert cancel.token == first.message.token


def test_who_is_impatient_sends_again_only_when_nothing_came() -> None:
    turn = next(t for plan in plans("default") for t in plan.rounds if t.name == "impatience")
    first, again = turn.acts
    assert again.when.unless_heard == first.messages[0].token


def test_mixed_uses_every_strategy_as_weighted() -> None:
    used = Counter(
        str(each.strategy)
        for plan in plans("default", label="mixed", count=300)
        for turn in plan.rounds
        for act in turn.acts
        for each in act.messages
    )
    assert len(used) == 4
    assert min(used.values()) > 0.8 * max(used.values())


def test_a_recording_is_repeated_thread_by_thread(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "at,thread,seconds,strategy\n10,a,1.5,\n11,b,,\n10.75,a,,rollback\n"
    )
    (tmp_path / "p.toml").write_text('name = "x"\nreplay = "r.csv"\n')
    people = People(read_behaviour(str(tmp_path / "p.toml")), 7)
    first, second, again = (people.plan(number, "enqueue", PROBE) for number in range(3))
    acts = first.rounds[0].acts
    assert [act.when.delay for act in acts] == [0.0, 0.75]
    assert [str(each.messages[0].strategy) for each in acts] == ["enqueue", "rollback"]
    assert acts[0].messages[0].seconds == 1.5
    assert len(messages(second)) == 1
    assert len(messages(again)) == 2
    assert again.thread != first.thread
