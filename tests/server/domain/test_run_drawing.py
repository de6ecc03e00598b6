"""The drawing of a run's life says what the code goes by, no more and no less."""

import re

from outrigger_server.domain.run import TRANSITIONS, RunStatus
from outrigger_server.domain.run_drawing import run_diagram, transitions_table

ARROW = re.compile(r"^    (\S+) --> (\S+): [^:]+$")
STEPS = {(before.value, after.value) for before in TRANSITIONS for after in TRANSITIONS[before]}
ENDS = {(status.value, "[*]") for status in RunStatus}


def test_the_diagram_has_an_arrow_for_every_transition_and_every_end():
    fence, kind, *lines, end = run_diagram().splitlines()
    assert (fence, kind, end) == ("```mermaid", "stateDiagram-v2", "```")
    arrows = [ARROW.match(line).groups() for line in lines]
    assert len(arrows) == len(set(arrows))
    assert set(arrows) == STEPS | ENDS | {("[*]", "pending")}


def test_the_table_has_a_row_with_a_cause_for_each_of_them():
    rows = [line.strip("|").split("|") for line in transitions_table().splitlines()[2:]]
    assert all(len(row) == 3 and row[2].strip() for row in rows)
    found = {(before.strip(" `"), after.strip(" `")) for before, after, _ in rows}
    assert found == STEPS | {(s, "*no row*") for s, _ in ENDS} | {("", "pending")}
