"""What the cases share: the graphs they run and what these say."""

ECHO, APPROVAL, OUTER, SETTINGS = "echo", "approval", "outer", "settings"
DONE = ["in", "first", "middle", "last"]
INPUT = {"log": ["in"]}
SLOW_INPUT = {"log": ["in"], "seconds": 40.0}
NEVER = "7 3 29 2 *"  # a schedule that comes up on no day of a test
