"""Judges the conversations of a stage that were read to their end, and keeps their history."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from outrigger_loadtests.capacity.results import Result
from outrigger_loadtests.checkers.case import Invariant
from outrigger_loadtests.judging import Judgement, judge_history
from outrigger_loadtests.profiles import ServerProfile
from outrigger_loadtests.verdict import Verdict

PATIENCE_SECONDS = 600.0  # a server under load is late: the objectives say how late it may be
_STAGE = "stage.jsonl"


class StageJudge:
    """Adds up what all stages came to. Histories are appended to `path`."""

    def __init__(self, path: Path, profile: ServerProfile, invariants: Sequence[Invariant]) -> None:
        self.judgement = Judgement()
        self._path = path
        self._profile = replace(profile, bounds=profile.bounds.extended(PATIENCE_SECONDS))
        self._invariants = invariants
        path.write_bytes(b"")

    def judge(self, result: Result) -> tuple[int, int]:
        """Return how many conversations were looked at and how many findings were FAIL."""
        if not result.checked:
            return 0, 0
        stage = self._path.with_name(_STAGE)
        stage.write_bytes(result.checked)
        found = judge_history(stage, self._profile, self._invariants, result.unfinished)
        stage.unlink()
        with self._path.open("ab") as file:
            file.write(result.checked)
        self.judgement.add(found)
        return found.threads, sum(each.verdict is Verdict.FAIL for each in found.findings())
