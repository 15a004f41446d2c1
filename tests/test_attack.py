"""`make attack` tries what it says, and says what it saw."""

import ast
import subprocess
import sys

from tests.attack import ATTACKS, ROOT, Attack, Outcome, verdict


def test_each_attack_is_tried_by_tests_that_there_are():
    for attack in ATTACKS:
        for test in attack.tests:
            file, _, name = test.partition("::")
            there = {node.name for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, ast.FunctionDef)}
            assert not name or name in there, test
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


def test_held_is_what_was_tried_and_failed_nowhere():
    attack = Attack("doors", ("a.py::test_one", "b.py"))
    assert verdict(attack, Outcome(passed={"a.py::test_one[x]", "b.py::test_two"})) == "held"
    assert verdict(attack, Outcome(passed={"a.py::test_one[x]"}, failed={"a.py::test_one[y]"})) == "NOT HELD  test_one[y]"
    assert verdict(attack, Outcome(passed={"a.py::test_one"}, failed={"b.py"})) == "NOT HELD  b.py"
    assert verdict(attack, Outcome(passed={"a.py::test_one"}, skipped={"b.py::test_two": "Skipped: no Envoy"})) == "held, in part: no Envoy"
    assert verdict(attack, Outcome(skipped={"b.py::test_two": "Skipped: no Envoy"})) == "not tried  no Envoy"
    assert verdict(attack, Outcome(failed={"a.py::test_one_more", "c.py"})) == "NOT HELD  nothing tried it"


def test_one_command_tries_them_and_fails_where_one_is_not_held(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n    cluster\naddopts = -m 'not slow'\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_one(): pass\n"
        "@pytest.mark.slow\ndef test_two(): assert False\n"
        "@pytest.mark.cluster\ndef test_three(): pass\n"
    )
    code = (
        "import pathlib, sys; from tests.attack import Attack, main; root = pathlib.Path(sys.argv[1]);"
        "attacks = tuple(Attack(name, (f'test_it.py::test_{name}',)) for name in ('one', 'two', 'three'));"
        "sys.exit(main(sys.argv[2:], attacks, root))"
    )

    def run(*words):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path), *words], cwd=ROOT, capture_output=True, text=True)
        return done.returncode, done.stdout

    code_of_one, said = run("one")
    assert code_of_one == 0 and said.endswith("\n\none  held\n\n1 attacks, 0 not held\n")
    code_of_all, said = run()
    verdicts = "one    held\ntwo    NOT HELD  test_two\nthree  NOT HELD  nothing tried it\n"
    assert code_of_all == 1 and said.endswith(f"\n\n{verdicts}\n3 attacks, 2 not held\n")
