"""`outrigger-loadtest` with words that it must refuse: exit code 2 and one line that says why."""

import asyncio

import pytest

from harness.load_command import checked, command

NOWHERE = "http://127.0.0.1:1"


async def ran(folder, *words, **environment):
    async with command(folder, *words, **environment) as this:
        return await this.ended()


async def refused(folder, *words, **environment):
    ended = await ran(folder, "check", *words, **environment)
    assert not folder.exists()
    return ended.must_have_refused()


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--host", ["nonsense", "http://127.0.0.1:99999", "http://me:secret@127.0.0.1:1"]),
        ("--strategy", ["a\nb"]),
        ("--probe", ["none"]),
        ("--server-profile", ["mine"]),
        ("--threads", ["100000", "many"]),
        ("--duration", ["nan", "long"]),
        ("--seed", ["-1", "luck", "9" * 5000]),
        ("--api-key", [""]),
    ],
)
async def test_wrong_value_is_refused_and_its_option_named(tmp_path, option, values):
    folder = tmp_path / "out"
    for reason in await asyncio.gather(*(refused(folder, option, each) for each in values)):
        assert option in reason
        assert "secret" not in reason
        assert len(reason) < 700


async def test_wrong_key_is_not_shown(tmp_path):
    assert "sésame" not in await refused(tmp_path / "out", "--api-key", "sésame")
    from_environment = {"LANGGRAPH_API_KEY": "sésame"}
    assert "--api-key" in await refused(tmp_path / "out", **from_environment)


async def test_output_that_cannot_be_a_directory_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for output in (file, file / "under"):
        reason = await refused(tmp_path / "out", "--output", str(output))
        assert reason == f"--output: {file} is not a directory"
    assert "too long" in await refused(tmp_path / "out", "--output", "a" * 300)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["chek"], "No such command 'chek'"),
        (["--bogus"], "No such option: --bogus"),
        (["check", "--bogus"], "No such option: --bogus"),
        (["check", "--thread", "3"], "No such option: --thread"),
        (["check", "extra"], "extra"),
        (["check", "--threads"], "--threads"),
        (["check", "--help=no"], "--help"),
    ],
)
async def test_words_it_does_not_know_are_refused_in_one_line(tmp_path, words, reason):
    ended = await ran(tmp_path / "out", *words)
    assert reason in ended.must_have_refused()


async def test_without_a_command_it_shows_what_there_is(tmp_path):
    ended = await ran(tmp_path / "out")
    assert ended.code == 2
    assert "check " in ended.stdout
    assert ended.stderr == "outrigger-loadtest: a command is missing, such as check\n"


async def test_help_is_no_fault(tmp_path):
    for words in (["--help"], ["check", "--help"]):
        ended = await ran(tmp_path / "out", *words)
        assert (ended.code, ended.stderr) == (0, "")
        assert "Usage:" in ended.stdout


async def test_refused_check_leaves_an_older_report_alone(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "history.jsonl").write_text("old")
    ended = await checked(folder, NOWHERE)
    assert "cannot be reached" in ended.must_have_refused()
    assert (folder / "history.jsonl").read_text() == "old"
