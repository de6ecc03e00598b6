"""People of a profile before the real server: in `check`, in `capacity` and in plain Locust."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes import ROOT, Server, clean_environment, started_server

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started_server(tmp_path_factory.mktemp("profiles") / "data") as server:
        yield server


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_check_of_people_who_storm_keeps_its_promises(server: Server, tmp_path: Path) -> None:
    words = ("check", "--host", server.url, "--probe", "async", "--profile", "storm")
    more = ("--duration", "5", "--seed", "7", "--threads", "3", "--output", "out")
    done = ran(tmp_path, "outrigger_loadtests.cli", *words, *more)
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_bytes())
    assert (done.returncode, verdict["verdict"]) == (0, "PASS"), done.stdout
    assert '"name":"storm"' in verdict["parameters"]["behaviour"]
    assert "--profile storm" in verdict["repeat"]
    history = (tmp_path / "out" / "history.jsonl").read_text()
    assert '"scenario":"storm+storm' in history or '"scenario":"storm"' in history


def test_capacity_judges_the_real_server_while_it_measures(server: Server, tmp_path: Path) -> None:
    words = ("capacity", "--host", server.url, "--strategy", "interrupt", "--seed", "7")
    stage = ("--start-rate", "2", "--max-rate", "2", "--stage", "4", "--warm-up", "1")
    more = ("--repeats", "1", "--checked-share", "1", "--closed-users", "1,2", "--max-cpu", "1")
    lenient = ("--max-send-lag", "5", "--slo-p95", "first_event=20s", "--output", "out")
    done = ran(tmp_path, "outrigger_loadtests.cli", *words, *stage, *more, *lenient)
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_bytes())
    assert (done.returncode, verdict["verdict"]) == (0, "PASS"), done.stdout
    (strategy,) = verdict["capacity"]["strategies"]
    assert strategy["capacity"] == 2
    assert sum(each["checked"] for each in strategy["stages"]) > 10
    assert not any(each["failures"] for each in strategy["stages"])


@pytest.mark.parametrize("profile", ["", "default"])
def test_plain_locust_shows_our_operations_from_every_process(
    profile: str, server: Server, tmp_path: Path
) -> None:
    words = ("-f", str(ROOT / "loadtests" / "locustfile.py"), "--host", server.url, "--headless")
    size = ("-u", "4", "-r", "4", "-t", "6s", "--processes", "2", "--csv", "seen")
    more = ("--behaviour", profile, "--history", "history.jsonl", "--stop-timeout", "20")
    done = ran(tmp_path, "locust", *words, *size, *more)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "seen_stats.csv").open() as file:
        seen = {row["Name"]: int(row["Failure Count"]) for row in csv.DictReader(file)}
    assert {"open", "stream enqueue accept", "stream enqueue first event"} <= set(seen)
    assert sum(seen.values()) == 0
    files = sorted(tmp_path.glob("history*.jsonl"))
    assert len(files) == 2
    first, second = (
        {json.loads(line)["thread"] for line in each.read_text().splitlines()} for each in files
    )
    assert first
    assert second
    assert not first & second
