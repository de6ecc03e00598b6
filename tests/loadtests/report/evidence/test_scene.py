from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.models.run import FOREVER
from outrigger_loadtests.report.evidence.lines import ELSEWHERE, NAMED, NEAR
from outrigger_loadtests.report.evidence.scene import scene_of, short_names, whole_scene
from outrigger_loadtests.verdict import Finding


def looked_at(story, **evidence):
    return scene_of(story, read_thread(story), [Finding("G1.x", "x", "x2a-3", **evidence)])


def test_short_ids_are_left_as_they_are_and_long_ones_keep_their_beginning():
    names = short_names(["abc", "0123456789abcdef", "fedcba9876543210", ""])
    assert names == {
        "abc": "abc",
        "0123456789abcdef": "01234567…",
        "fedcba9876543210": "fedcba98…",
    }


def test_ids_that_begin_alike_also_keep_their_end():
    names = short_names(["019a2b3c-0000-aaaaaa", "019a2b3c-0000-bbbbbb"])
    assert list(names.values()) in (["019a…aaaaaa", "019a…bbbbbb"], ["019a…bbbbbb", "019a…aaaaaa"])


def test_ids_that_begin_and_end_alike_stay_whole():
    ids = ["019a2b3c-1-aaaaaa", "019a2b3c-2-aaaaaa"]
    assert short_names(ids) == {each: each for each in ids}


def test_times_are_seconds_since_the_first_operation(cut_story):
    scene = whole_scene(cut_story, read_thread(cut_story))
    assert scene.at(5_010_500_000) == "0.011"
    assert (scene.at(None), scene.at(FOREVER)) == ("never", "never")


def test_only_tokens_of_the_thread_are_shortened(cut_story):
    scene = whole_scene(cut_story, read_thread(cut_story))
    assert scene.token("x2a-3-12") == "x…-12"
    assert scene.token("x2a-4-12") == "x2a-4-12"


def test_runs_in_flight_beside_a_named_one_are_near(long_story):
    scene = looked_at(long_story, runs=("run-250",))
    ranks = {number: scene.rank_of_run(f"run-{number}") for number in range(248, 253)}
    assert ranks == {248: ELSEWHERE, 249: NEAR, 250: NAMED, 251: NEAR, 252: ELSEWHERE}


def test_the_writers_of_named_checkpoints_are_near(long_story):
    scene = looked_at(long_story, checkpoints=("c-250",))
    assert scene.rank_of_run("run-250") == NEAR
    assert scene.rank_of_run("run-248") == ELSEWHERE


def test_what_happened_between_the_named_times_is_near(long_story):
    scene = looked_at(long_story, between=(6_000_000_000, 6_010_000_000))
    assert [number for number in range(20) if scene.rank_of_run(f"run-{number}") == NEAR] == [9, 10]
    assert scene.rank_of_time(5_990_000_000, None) == NEAR
    assert scene.rank_of_time(6_020_000_000, None) == ELSEWHERE
