"""Runs the run.py commands that its argument has as JSON and prints [exit code, output] of each as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys


def main() -> None:
    import run

    results = []
    for command in json.loads(sys.argv[1]):
        sys.argv = ["run.py", *command]
        out = io.StringIO()
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                run.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        results.append([code, out.getvalue()])
    sys.__stdout__.write("\n" + json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
