"""Profiles are read as they stand there, and a wrong one is refused with its place."""

from pathlib import Path

import pytest

from outrigger_loadtests.behaviour.file import SHIPPED, read_behaviour, shipped
from outrigger_loadtests.behaviour.profile import Process
from outrigger_loadtests.errors import UsageError

MIX = "[mix]\nsingle = 1\n"


def written(folder: Path, text: str, name: str = "p.toml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def refused(given: str) -> str:
    with pytest.raises(UsageError) as caught:
        read_behaviour(given)
    return str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_can_be_read_and_says_what_it_is(name: str) -> None:
    assert read_behaviour(name).name == name
    assert shipped(name).description


def test_the_default_mix_is_the_one_in_the_documents() -> None:
    mix = shipped("default").mix
    told = (mix.single, mix.follow_up, mix.double_click, mix.impatience, mix.stop)
    assert told == (70, 15, 6, 6, 3)
    assert shipped("default").follow_up.median == 2.5
    assert (shipped("default").double_click.least, shipped("default").double_click.most) == (
        0.05,
        0.3,
    )
    assert shipped("default").impatience.mean == 15.0


def test_what_is_given_counts_and_the_rest_has_defaults(tmp_path: Path) -> None:
    text = 'name = "x"\n[arrivals]\nprocess = "gamma"\nshape = 3\n' + MIX
    found = read_behaviour(written(tmp_path, text))
    assert (found.arrivals.process, found.arrivals.shape) == (Process.GAMMA, 3)
    assert found.conversation.runs == (3, 4)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (MIX, "name"),
        ('name = "x"\nspeed = 3\n' + MIX, "speed"),
        ('name = "x"\n[mix]\nsingle = -1\n', "mix.single"),
        ('name = "x"\n[mix]\nsingle = "often"\n', "mix.single"),
        ('name = "x"\n[mix]\nshouting = 1\n', "mix"),
        ('name = "x"\n', "mix"),
        ('name = "x"\n[mix]\nsingle = nan\n', "mix.single"),
        ('name = "x"\n[mix]\nsingle = inf\n', "mix.single"),
        ('name = "x"\n[arrivals]\nprocess = "tide"\n' + MIX, "arrivals.process"),
        ('name = "x"\n[arrivals]\nshape = 0\n' + MIX, "arrivals.shape"),
        ('name = "x"\n[conversation]\nruns = [4, 3]\n' + MIX, "conversation.runs"),
        ('name = "x"\n[conversation]\nseconds = [2, 1]\n' + MIX, "conversation.seconds"),
        ('name = "x"\n[double_click]\nleast = 1\nmost = 0.5\n' + MIX, "double_click"),
        ('name = "x"\n[hot]\nshare = 1.5\n' + MIX, "hot.share"),
        ('name = "x"\n[storm]\nmessages = 0\n' + MIX, "storm.messages"),
        (
            'name = "x"\n[strategies]\nreject = 0\nenqueue = 0\ninterrupt = 0\nrollback = 0\n'
            + MIX,
            "strategies",
        ),
        ('name = "x"\nrecording = []\n' + MIX, "recording"),
        ("name = ", "TOML"),
    ],
)
def test_a_wrong_profile_names_its_field(text: str, place: str, tmp_path: Path) -> None:
    said = refused(written(tmp_path, text))
    assert said.startswith("--profile: ")
    assert place in said
    assert "\n" not in said


def test_a_profile_that_is_not_there_says_which_are_shipped(tmp_path: Path) -> None:
    assert "default, assistant, storm" in refused(str(tmp_path / "none.toml"))


def replayed(folder: Path, rows: str) -> str:
    written(folder, rows, "r.csv")
    return written(folder, 'name = "x"\nreplay = "r.csv"\n')


def test_a_recording_is_read_in_order_of_time(tmp_path: Path) -> None:
    rows = "at,thread,seconds,strategy\n1.5,a,0.5,interrupt\n0.5,b,,\n"
    found = read_behaviour(replayed(tmp_path, rows)).recording
    assert [(each.at, each.thread, each.seconds, each.strategy) for each in found] == [
        (0.5, "b", None, ""),
        (1.5, "a", 0.5, "interrupt"),
    ]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("", "at"),
        ("at,seconds\n1,2\n", "thread"),
        ("at,thread,colour\n1,a,red\n", "colour"),
        ("at,thread\n", "no message"),
        ("at,thread\nsoon,a\n", "line 2"),
        ("at,thread\n-1,a\n", "line 2"),
        ("at,thread\n1,a\n2,\n", "line 3"),
        ("at,thread\n1,a,b\n", "line 2"),
        ("at,thread,strategy\n1,a,shout\n", "strategy"),
        ("at,thread\nnan,a\n", "line 2"),
    ],
)
def test_a_wrong_recording_names_its_line(rows: str, place: str, tmp_path: Path) -> None:
    said = refused(replayed(tmp_path, rows))
    assert place in said
    assert "\n" not in said


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    said = refused(written(tmp_path, 'name = "x"\nreplay = "gone.csv"\n'))
    assert "gone.csv" in said
