"""`run.py doctor` finds what is wrong and says how to mend it."""

from __future__ import annotations

from tests.pipelines.project import Project


def test_a_sound_machine_is_found_sound(tmp_path):
    project = Project(tmp_path)
    before, _, after = project.batch(["doctor"], ["stack", "up", "local"], ["doctor"])

    assert before.code == 1
    assert "python run.py stack up local" in before.output
    assert after.code == 0, after.output
    for check in ("Python", "packages", "free disk", "active stack", "MLflow", "port 8237"):
        assert check in after.output


def test_a_package_that_is_not_as_locked_is_named(tmp_path):
    project = Project(tmp_path)
    lock = project.root / "requirements.txt"
    lock.write_text(lock.read_text().replace("rich==", "rich==0."))
    _, result = project.batch(["stack", "up", "local"], ["doctor"])

    assert result.code == 1
    assert "rich" in result.output
    assert "make setup" in result.output
