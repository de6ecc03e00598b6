"""The look for secrets in logs finds one that was planted, and says where without showing it."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SECRET = "a-planted-secret-of-the-test"
CONFTEST = """
from harness.leaks import no_secret_in_logs, pytest_runtest_makereport
__all__ = ["no_secret_in_logs", "pytest_runtest_makereport"]
"""
NOTED = f"""
from harness.leaks import SECRETS
SECRETS.note_all({{"OUTRIGGER_JWT_SECRET": {SECRET!r},
    "POSTGRES_URI": "postgresql://user:{SECRET[::-1]}@host/db"}})
"""
CLEAN = """
def test_clean(tmp_path):
    (tmp_path / "server.log").write_text("POSTGRES_URI=postgresql://user:[redacted]@host/db")
    (tmp_path / "secret").write_text({secret!r})
    print("nothing of it")
"""
LOGGED = """
def test_logs(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "server.log").write_text("line\\n" * 9 + "..." + {secret!r}[::-1])
"""
PRINTED = """
def test_prints():
    print("the key is", {secret!r})
"""


def ended_session(folder: Path, *tests: str) -> tuple[int, str]:
    """Exit code and output of pytest over these tests."""
    folder.mkdir()
    (folder / "conftest.py").write_text(CONFTEST)
    text = NOTED + "".join(tests).format(secret=SECRET)
    (folder / "test_planted.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(folder), "--basetemp", str(folder / "base"), str(folder)]
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_session_that_logs_and_prints_no_secret_passes(tmp_path: Path) -> None:
    code, output = ended_session(tmp_path / "clean", CLEAN)
    assert code == 0, output


def test_a_secret_in_a_log_fails_the_session_and_a_printed_one_its_test(tmp_path: Path) -> None:
    code, output = ended_session(tmp_path / "leaky", CLEAN, LOGGED, PRINTED)
    assert code == 1
    assert "the password in POSTGRES_URI is in" in output
    assert "data/server.log" in output
    assert "OUTRIGGER_JWT_SECRET: printed (Captured stdout call)" in output
    assert SECRET not in output
    assert SECRET[::-1] not in output
