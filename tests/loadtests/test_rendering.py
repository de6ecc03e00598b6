"""`outrigger-loadtest report` and `compare`: what they make of the folders of earlier runs."""

import asyncio
import json
import shutil

import pytest

from fakes.graph_server.bugs import Bug
from harness.capacities import capacity_report, written_capacity
from harness.load_command import command
from harness.pretended import pretended_check
from outrigger_loadtests.errors import UnreadableReport, UsageError
from outrigger_loadtests.rendering import render_again

FOUND = {"enqueue": [20.0, 19.4, 20.6]}
SLOWER = {"enqueue": [16.0, 15.6, 16.4]}
RERUN = {"enqueue": [19.9, 20.2, 19.5]}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return pretended_check(tmp_path_factory.mktemp("rendered") / "run", [Bug.CHECKPOINT_LEFT])


@pytest.fixture
def folder(run, tmp_path):
    return shutil.copytree(run.folder, tmp_path / "run")


async def ran(tmp_path, *words):
    async with command(tmp_path / "out", *words) as this:
        return await this.ended()


def test_the_page_of_an_earlier_run_is_the_same_when_it_is_made_anew(run, folder):
    (folder / "report.html").unlink()
    assert render_again(folder) == [folder / "report.html"]
    assert (folder / "report.html").read_text() == run.page


def test_it_can_get_a_link_to_another_dashboard(folder):
    render_again(folder, "https://grafana.example/d/outrigger?orgId=1&from=7")
    page = (folder / "report.html").read_text()
    assert (
        'href="https://grafana.example/d/outrigger?orgId=1&amp;from=1767323015000&amp;'
        'to=1767323105000"' in page
    )


def test_without_its_history_it_lacks_the_pictures_and_nothing_else(run, folder):
    (folder / "history.jsonl").unlink()
    render_again(folder)
    page = (folder / "report.html").read_text()
    assert 'class="timeline"' in run.page
    assert 'class="timeline"' not in page
    assert page.count('class="plot"') == run.page.count('class="plot"') > 0
    assert "checkpoints, oldest first" in page  # as text


def test_a_folder_without_a_run_or_with_something_else_is_refused(folder, tmp_path):
    with pytest.raises(UsageError, match=r"verdict\.json is missing"):
        render_again(tmp_path / "nowhere")
    (folder / "verdict.json").write_text('{"schema": "other", "verdict": "PASS"}')
    with pytest.raises(UnreadableReport, match=r"verdict\.json is no report"):
        render_again(folder)


async def test_the_commands_end_with_what_they_found(folder, tmp_path):
    base, slower, rerun, other = (
        written_capacity(tmp_path / name, capacity_report(found, **more))
        for name, found, more in (
            ("base", FOUND, {}),
            ("slower", SLOWER, {}),
            ("rerun", RERUN, {}),
            ("other", FOUND, {"seed": 8}),
        )
    )
    worse, same, unequal, again, wrong = await asyncio.gather(
        ran(tmp_path, "compare", str(base), str(slower)),
        ran(tmp_path, "compare", str(base), str(rerun)),
        ran(tmp_path, "compare", str(base), str(other)),
        ran(tmp_path, "report", str(folder)),
        ran(tmp_path, "report", str(folder), "--grafana-url", "javascript:alert(1)"),
    )
    assert (worse.code, same.code, again.code) == (1, 0, 0), (worse, same, again)
    assert worse.stdout.startswith("WORSE")
    assert "-20 %" in worse.stdout
    assert same.stdout.startswith("SAME")
    assert "seed 7 and 8" in unequal.must_have_refused()
    assert again.stdout == f"wrote {folder / 'report.html'}\n"
    assert "--grafana-url" in wrong.must_have_refused()


def test_what_a_check_wrote_is_read_as_it_was_written(folder):
    written = json.loads((folder / "verdict.json").read_bytes())
    assert written["environment"]["cores"].isdigit()
    assert written["grafana_url"] == ""
