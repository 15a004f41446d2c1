import subprocess
import sys
from pathlib import Path

import run

COUNTED = """
import atexit, gc, sys
walks = []
sys.argv = ["run.py", {arguments}]
from app.main import main
gc.callbacks.append(lambda phase, info: phase == "start" and info["generation"] == 2 and walks.append(len(gc.get_objects())))
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
# As the interpreter ends: what was asked for at exit, then its own walk.
atexit._run_exitfuncs()
gc.collect()
print("walked at the end:", walks[-1] < 1000, "before:", len(walks) - 1 <= 1)
"""


def test_a_commands_libraries_are_not_walked_for_garbage_while_they_load_nor_at_the_end(tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("age,city,churned\n" + "\n".join(f"{age},{'ab'[age % 2]},{'yn'[age % 3 == 0]}" for age in range(20, 80)))
    code = COUNTED.format(arguments=f'"look", "--data", {str(table)!r}, "--target", "churned"')
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(run.__file__).parent, capture_output=True, text=True)

    assert done.stdout.splitlines()[-1:] == ["walked at the end: True before: True"], done.stdout + done.stderr
