"""`make attack` tries what it says, and says what it saw."""

import ast

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
    assert verdict(attack, Outcome(failed={"a.py::test_one_more", "c.py"})) == "not tried  nothing tries it"
