"""What a process has used, and what it said."""

import sys

import pytest

from benchmarks.processes import run


def test_a_process_that_says_much_on_both_sides_ends() -> None:
    code = "import sys; sys.stderr.write('e' * 300_000); sys.stdout.write('o' * 300_000)"
    used = run([sys.executable, "-S", "-c", code])
    assert used.output == "o" * 300_000
    assert used.cpu > 0


def test_a_process_that_fails_is_quoted() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)so far.*what went wrong"):
        run([sys.executable, "-S", "-c", "print('so far'); raise SystemExit('what went wrong')"])
