"""The hidden acceptance file of a benchmark task, as text. Pure.

The solution runs in a child process that must say a fresh word after the test: code that merely
ends the process, with whatever exit code, has not passed.
"""

from hekaton_runtime.bench.dataset import Problem

SOLUTION = "solution.py"
FILE = "acceptance_check.py"
COMMAND = f"python -I {FILE}"

_HEAD = '''"""Passes if solution.py passes the hidden test below."""

import importlib.util
import os
import secrets
import subprocess
import sys
'''

_BODY = """

def child(said):
    word = sys.stdin.readline().encode()
    sys.path.insert(0, os.getcwd())
    spec = importlib.util.spec_from_file_location("solution", "solution.py")
    solution = sys.modules["solution"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    names = dict(vars(solution))  # a test may use other functions of the file too
    exec(compile(TEST, "hidden test", "exec"), names)
    names["check"](getattr(solution, ENTRY_POINT))
    os.write(said, word)


def main():
    word = secrets.token_hex(16) + "\\n"
    hear, say = os.pipe()
    command = [sys.executable, "-I", __file__, str(say)]
    ran = subprocess.run(command, input=word, text=True, stdout=subprocess.DEVNULL, pass_fds=[say])
    os.close(say)
    os.set_blocking(hear, False)  # something left behind may hold the other end
    try:
        heard = os.read(hear, 64)
    except BlockingIOError:
        heard = b""
    sys.exit(0 if ran.returncode == 0 and heard == word.encode() else 1)


if len(sys.argv) > 1:
    child(int(sys.argv[1]))
else:
    main()
"""


def judge(problem: Problem) -> str:
    """The file's text: exit code 0 if, and only if, `check` came to its end."""
    constants = f"\nTEST = {problem.test!r}\nENTRY_POINT = {problem.entry_point!r}\n"
    return _HEAD + constants + _BODY
