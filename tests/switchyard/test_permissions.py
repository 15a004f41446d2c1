"""What a program writes is its owner's alone, but for what is to be shown."""

import os
import stat
import subprocess
import sys

from switchyard.permissions import close_off

_WRITES = """
import os, sys
from pathlib import Path
from switchyard.permissions import keep_private, shared
from switchyard.predictionlog import connect, create_tables
from switchyard.predictionlog.journal import Journal
keep_private()
folder = Path(sys.argv[1])
engine = connect(f"sqlite:///{folder}/log/predictions.db")
create_tables(engine)
Journal(folder / "journal").append(b"x")
with shared():
    (folder / "reports").mkdir()
    (folder / "reports" / "page.html").write_text("page")
(folder / "after").write_text("private again")
connection = engine.connect()
connection.exec_driver_sql("INSERT INTO labels (label_id, value, received, source) VALUES ('a', 'b', '2026-01-01', 'c')")
print(sorted(path.name for path in (folder / "log").iterdir()))
for path in sorted(folder.rglob("*")):
    print(path.relative_to(folder).parts[0], oct(path.stat().st_mode & 0o777))
"""


def modes(folder):
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) for path in sorted(folder.rglob("*"))}


def test_whatever_the_umask_files_are_their_owners_and_what_is_shown_is_as_it_says(tmp_path):
    before = os.umask(0o022)
    try:
        done = subprocess.run([sys.executable, "-c", _WRITES, str(tmp_path)], capture_output=True, text=True, timeout=60)
    finally:
        os.umask(before)

    assert done.returncode == 0, done.stderr
    files, *lines = done.stdout.splitlines()
    assert files == "['predictions.db', 'predictions.db-shm', 'predictions.db-wal']"
    assert {line for line in lines if not line.startswith("reports")} == {
        "after 0o600", "journal 0o600", "journal 0o700", "log 0o600", "log 0o700"
    }  # fmt: skip
    assert {line for line in lines if line.startswith("reports")} == {"reports 0o644", "reports 0o755"}


def test_a_folder_of_before_is_closed_with_all_below_it(tmp_path):
    folder, outside = tmp_path / "zenml", tmp_path / "outside"
    (folder / "deep" / "deeper").mkdir(parents=True)
    outside.mkdir()
    (folder / "deep" / "deeper" / "secrets.db").write_text("x")
    (folder / "deep" / "program").write_text("x")
    (folder / "link").symlink_to(outside)
    (folder / "deep" / "program").chmod(0o755)
    for path in (folder, folder / "deep", folder / "deep" / "deeper", outside):
        path.chmod(0o755)

    close_off(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and stat.S_IMODE(outside.stat().st_mode) == 0o755
    found = modes(folder)
    assert found.pop("link") == 0o777
    assert found == {"deep": 0o700, "deep/deeper": 0o700, "deep/deeper/secrets.db": 0o600, "deep/program": 0o700}


def test_a_folder_that_is_not_there_is_no_reason_to_stop(tmp_path):
    close_off(tmp_path / "missing")
