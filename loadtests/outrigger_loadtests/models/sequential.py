"""The sequential model: what one run after the other would leave in the log."""

from collections.abc import Sequence

from outrigger_loadtests.marks import LAST, STEPS, UNASKED, answer_mark, mark
from outrigger_loadtests.models.run import Run


def expected_log(runs: Sequence[Run]) -> list[str]:
    """Return the log that the runs leave when each begins after the one before has ended.

    What became of each run is given: a success leaves all its marks, a run that is gone none, any
    other one the steps it got to. A question waits until it is answered or a new message comes.
    """
    log: list[str] = []
    question = ""
    for run in runs:
        if run.gone:
            continue
        if run.answers:
            if run.succeeded and question and question == run.create.answers:
                log += [answer_mark(question, run.token), mark(question, LAST)]
                question = ""
            continue
        steps = _steps(run)
        log += [mark(run.token, step) for step in steps]
        if steps:
            question = run.token if run.create.asks and run.succeeded else ""
    return log


def _steps(run: Run) -> tuple[str, ...]:
    if run.succeeded:
        return STEPS[:UNASKED] if run.create.asks else STEPS
    return run.steps[:UNASKED] if run.create.asks else run.steps
