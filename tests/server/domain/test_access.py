"""Filters: which metadata they let through, and which conditions they refuse to guess about."""

import pytest

from outrigger_server.domain.access import EVERYTHING, User, to_filter

ROW = {"owner": "ann", "guests": ["bob", "cid", 1], "level": 1, "open": True}


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"owner": "ann"},
        {"owner": {"$eq": "ann"}},
        {"guests": {"$contains": "bob"}},
        {"guests": {"$contains": ["cid", "bob"]}},
        {"owner": "ann", "guests": {"$contains": "cid"}, "level": 1},
    ],
)
def test_a_row_that_fulfils_every_condition_is_let_through(conditions):
    assert to_filter(conditions).matches(ROW)


@pytest.mark.parametrize(
    "conditions",
    [
        {"owner": "bob"},
        {"missing": None},
        {"level": True},
        {"open": 1},
        {"level": "1"},
        {"guests": "bob"},
        {"guests": {"$contains": "ann"}},
        {"guests": {"$contains": ["bob", "ann"]}},
        {"guests": {"$contains": True}},
        {"owner": {"$contains": "ann"}},
        {"owner": "ann", "level": 2},
    ],
)
def test_a_row_that_misses_one_condition_is_hidden(conditions):
    assert not to_filter(conditions).matches(ROW)


@pytest.mark.parametrize(
    "conditions",
    [
        {"owner": {"$equals": "ann"}},
        {"owner": {}},
        {"owner": ["ann"]},
        {"owner": {"$eq": {"a": 1}}},
        {"guests": {"$contains": []}},
        {"guests": {"$contains": [["bob"]]}},
        {1: "ann"},
    ],
)
def test_a_condition_that_is_not_known_is_refused_rather_than_ignored(conditions):
    with pytest.raises(ValueError, match=r"give|compared|needs"):
        to_filter(conditions)


def test_nothing_is_hidden_without_conditions():
    assert not EVERYTHING
    assert EVERYTHING.matches({})
    assert to_filter({"a": 1})


def test_a_user_is_a_mapping_whose_keys_are_attributes():
    user = User("ann", team="red", permissions=("read",))
    assert (user.identity, user.team, user["team"]) == ("ann", "red", "red")
    assert user.permissions == ["read"]
    assert (user.display_name, user.is_authenticated) == ("ann", True)
    assert User(**dict(user)) == user
    with pytest.raises(AttributeError):
        _ = user.shoe_size
