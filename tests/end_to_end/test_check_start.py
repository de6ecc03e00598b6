"""`outrigger-loadtest check --start`: a server of its own, harmed while it is talked to."""

import json

import psutil
import pytest

from harness.load_command import FILES, command
from harness.processes import PROBES
from outrigger_loadtests.faults.target import FAULTS

pytestmark = pytest.mark.end_to_end

FEW = "slow_network,restart_redis,kill_worker"
ALL = pytest.param(",".join(FAULTS), "75", marks=pytest.mark.long, id="all")
SECONDS = "14"
ENOUGH_SECONDS = 240.0
NOWHERE = "/nonexistent"
"""As the only place of programs: neither PostgreSQL nor Redis is found."""


def words(*more):
    small = ["--threads", "5", "--seed", "7", "--probe", "async", "--duration", SECONDS]
    return ["check", "--start", str(PROBES), *small, *more]


@pytest.mark.parametrize(("names", "seconds"), [pytest.param(FEW, SECONDS, id="few"), ALL])
async def test_its_faults_are_operations_and_bands_and_no_promise_breaks(tmp_path, names, seconds):
    folder = tmp_path / "out"
    told = words("--faults", names, "--output", str(folder), "--duration", seconds)
    async with command(folder, *told) as this:
        ended = await this.ended(ENOUGH_SECONDS)
        assert (ended.code, ended.stderr) == (0, ""), ended.stdout
        assert not children_left()
    assert ended.files == FILES
    lines = (folder / "history.jsonl").read_bytes().splitlines()
    faults = [json.loads(line) for line in lines if b'"kind":"faulted"' in line]
    assert {each["name"].replace(" ", "_") for each in faults} == set(names.split(","))
    assert all(each["invoked"] < each["completed"] for each in faults)
    page = (folder / "report.html").read_text()
    plots = page.split('class="plot"')[1:]
    over_time = [each for each in plots if 'class="band stage"' in each]
    assert over_time
    assert all(each.count('class="band fault"') == len(faults) for each in over_time)
    assert f"--faults {names}" in ended.stdout
    verdict = json.loads((folder / "verdict.json").read_bytes())
    assert verdict["parameters"]["faults"] == names


@pytest.mark.long
async def test_ctrl_c_stops_the_server_too_and_still_reports(tmp_path):
    folder = tmp_path / "out"
    history = folder / "history.jsonl"
    async with command(folder, *words("--output", str(folder))) as this:
        await this.until(lambda: history.exists() and history.stat().st_size > 2**13)
        this.signal()
        ended = await this.ended(ENOUGH_SECONDS)
    assert ended.stderr == ""
    assert ended.files == FILES
    assert "stopped early" in ended.stdout
    assert not children_left()


async def test_one_process_is_killed_and_cut_off_where_nothing_else_is_installed(tmp_path):
    folder = tmp_path / "out"
    faults = "slow_network,kill_api"
    told = [*words("--output", str(folder), "--faults", faults), "--duration", "10"]
    async with command(folder, *told, PATH=NOWHERE) as this:
        ended = await this.ended(ENOUGH_SECONDS)
    assert (ended.code, ended.stderr) == (0, ""), ended.stdout
    assert "faults: 1 slow network, 1 kill server;" in ended.stdout
    assert not children_left()


async def test_what_one_process_has_not_cannot_be_harmed(tmp_path):
    folder = tmp_path / "out"
    told = words("--output", str(folder), "--faults", "restart_redis")
    async with command(folder, *told, PATH=NOWHERE) as this:
        ended = await this.ended(ENOUGH_SECONDS)
    assert "restart_redis: it needs PostgreSQL and Redis" in ended.must_have_refused()


async def test_a_server_that_does_not_start_is_said_in_one_line(tmp_path):
    broken = tmp_path / "langgraph.json"
    broken.write_text('{"graphs": {"probe_async": "./nowhere.py:graph"}}')
    folder = tmp_path / "out"
    told = ["check", "--start", str(broken), "--output", str(folder)]
    async with command(folder, *told, PATH=NOWHERE) as this:
        ended = await this.ended(ENOUGH_SECONDS)
    assert "nowhere.py" in ended.must_have_refused()
    assert not children_left()


def children_left():
    """Processes of a started target that are still there."""
    return [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if any("outrigger-target-" in word for word in each.info["cmdline"] or ())
    ]
