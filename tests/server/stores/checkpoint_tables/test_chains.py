"""Checkpoints that one statement can write: each but the first follows one that it holds."""

from dataclasses import dataclass

from outrigger_server.stores.checkpoint_tables.base import Place, chains


@dataclass(frozen=True)
class Row:
    place: Place
    size: int = 0


def row(name, parent=None, space="", thread="t"):
    return Row(Place(thread, space, name, parent))


def parts(*rows):
    return [
        [(each.place.checkpoint_id, follows) for each, follows in part] for part in chains(rows)
    ]


def test_a_history_is_one_part_whose_first_may_have_any_parent():
    history = [row("b", "a"), row("c", "b"), row("d", "c")]
    assert parts(*history) == [[("b", False), ("c", True), ("d", True)]]


def test_what_follows_something_else_comes_after_what_was_before_it():
    assert parts(row("b", "a"), row("c", "gone")) == [[("b", False)], [("c", False)]]


def test_the_same_id_again_comes_after_the_first():
    assert parts(row("b", "a"), row("b", "a")) == [[("b", False)], [("b", False)]]


def test_histories_of_other_places_go_together():
    mixed = [row("b", "a"), row("x", space="sub"), row("c", "b"), row("b", thread="u")]
    assert parts(*mixed) == [[("b", False), ("x", False), ("c", True), ("b", False)]]


def test_no_checkpoints_are_no_part():
    assert parts() == []
