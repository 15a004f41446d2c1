"""`make attack`: what an attacker, a neighbour or bad luck would try, tried; held or not held for each, exit 1 where one is not held.

The scenarios are those of the test suite, named by what they are an attack on; docs/security.md has the threat model.
`python -m tests.attack WORD...` tries those alone whose name has a word in it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Attack:
    """One of them, with the tests that try it: a file, or one of its functions with all its cases."""

    name: str
    tests: tuple[str, ...]


# pytest keeps its plugins in a set.
@dataclass(eq=False)
class Outcome:
    """What pytest tells of each test, by its name with the file's."""

    failed: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take up one stage of one test."""
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.skipped:
            self.skipped[report.nodeid] = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        elif report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that can't be read tries nothing."""
        if report.failed:
            self.failed.add(report.nodeid)


_DEPLOYMENT, _SERVING = "tests/deployment", "tests/switchyard/serving"
_CHANGED, _DOOR, _NEIGHBOUR, _FUZZ = (
    f"{_DEPLOYMENT}/test_{name}.py::" for name in ("changed_bundles", "frontdoor_entry", "neighbours", "fuzz")
)
_REGISTRY, _TRUST = (f"tests/registry/test_{name}.py::" for name in ("registry", "trust"))
_PREDICTOR, _SENT = (f"{_SERVING}/test_{name}.py::" for name in ("predictor", "whatever_is_sent"))
_HOST, _LIFE, _SUPERVISOR = (
    f"{_DEPLOYMENT}/test_process_host.py::",
    f"{_SERVING}/test_lifecycle.py::",
    f"{_DEPLOYMENT}/test_supervisor.py::",
)
ATTACKS = (
    Attack(
        "each member of a registered version is changed, missing, a folder or a link",
        (f"{_REGISTRY}test_a_changed_version_is_opened_by_nobody",),
    ),
    Attack("the twin that verdicts go by is changed", (f"{_REGISTRY}test_a_changed_twin_is_compared_with_by_nobody",)),
    Attack(
        "the reference that monitoring holds windows against is changed",
        ("tests/registry/test_reference.py",),
    ),
    Attack(
        "what a model is kept as names a function that runs code",
        ("tests/switchyard/tabular/model/test_model.py::test_a_kept_preprocessor_may_only_name_known_types",),
    ),
    Attack(
        "an artifact is changed in the store, or has a file beside it",
        (f"{_REGISTRY}test_an_artifact_that_was_changed_in_the_store_is_not_read", "tests/materializers/test_storable.py"),
    ),
    Attack(
        "somebody who can write the registry, and has no key, has a version of theirs deployed",
        (
            f"{_TRUST}test_who_can_write_the_registry_makes_no_version_that_is_deployed",
            f"{_TRUST}test_what_was_changed_on_its_way_to_where_it_is_deployed_is_not_deployed",
            f"{_TRUST}test_a_signed_version_of_one_model_is_none_of_another",
            f"{_TRUST}test_a_key_that_is_rotated_out_is_believed_and_one_that_is_revoked_is_not",
            f"{_TRUST}test_the_config_that_the_registry_keeps_has_no_say_in_trust",
            "tests/switchyard/bundle/test_seal.py",
        ),
    ),
    Attack(
        "a changed version is deployed while another serves",
        (
            f"{_CHANGED}test_a_refused_version_touches_nothing_and_what_serves_comes_back_from_its_death",
            f"{_CHANGED}test_a_version_that_was_never_deployed_and_is_refused_leaves_no_trace",
        ),
    ),
    Attack(
        "a staged bundle or a service's copy of it is changed",
        (
            f"{_CHANGED}test_a_wrong_folder_is_mended_and_a_right_one_left_alone",
            f"{_CHANGED}test_a_staged_bundle_is_written_once_and_mended_where_it_was_changed",
            f"{_CHANGED}test_each_member_of_a_services_copy_is_mended_however_it_was_changed",
            f"{_CHANGED}test_what_does_not_belong_into_a_services_copy_goes",
            f"{_CHANGED}test_each_member_of_a_staged_bundle_is_mended_however_it_was_changed",
        ),
    ),
    Attack(
        "a service is started on another bundle than was asked for",
        (
            f"{_LIFE}test_it_refuses_a_bundle_that_answers_its_examples_otherwise",
            f"{_LIFE}test_it_refuses_another_bundle_than_it_was_told",
            f"{_SERVING}/test_fetch.py::test_another_bundle_than_was_asked_for_is_not_left_there",
        ),
    ),
    Attack(
        "a service is given a bundle, with its digest, that nobody signed whom its deployment trusts",
        (
            f"{_TRUST}test_a_service_is_told_the_signature_and_the_one_key_that_it_must_be_by",
            f"{_CHANGED}test_a_service_starts_only_with_a_bundle_that_was_signed_by_the_key_of_its_deployment",
            f"{_PREDICTOR}test_a_service_refuses_what_its_deployment_does_not_trust",
            f"{_PREDICTOR}test_a_service_refuses_another_bundle_with_the_digest_that_its_registry_gave_it",
        ),
    ),
    Attack(
        "the examples by which a bundle proves itself are changed",
        ("tests/switchyard/bundle/test_bundle.py::test_tampered_examples_are_refused",),
    ),
    Attack(
        "what is no HTTP, or a trick with it, comes to the front door", (f"{_DOOR}test_whatever_is_sent_the_refusal_is_json_with_a_reason",)
    ),
    Attack("250 raw requests, each wrong in its own way", (f"{_DOOR}test_two_hundred_and_fifty_raw_requests_leave_the_door_as_it_was",)),
    Attack("what schemathesis makes of openapi.json", (f"{_FUZZ}test_what_openapi_says_is_so",)),
    Attack("ten thousand bodies, most of them wrong", (f"{_FUZZ}test_ten_thousand_bodies",)),
    Attack(
        "what is no HTTP comes to a service itself",
        (f"{_SERVING}/test_service.py::test_what_is_refused_before_it_is_a_request_is_refused_in_json",),
    ),
    Attack(
        "bodies nested a thousand deep, and with very many names",
        (
            f"{_SENT}test_a_value_nested_a_thousand_deep_is_the_clients_mistake",
            f"{_SENT}test_twenty_thousand_names_cost_no_time",
            f"{_SENT}test_a_request_of_very_many_unknown_columns_costs_no_time",
        ),
    ),
    Attack(
        "an id is used for a second body, or one of the deployment's own is taken",
        (
            f"{_PREDICTOR}test_every_answered_body_has_its_row_one_id_with_a_second_body_has_no_answer",
            f"{_PREDICTOR}test_only_a_proof_of_the_bundle_has_the_id_of_one",
            f"{_PREDICTOR}test_who_chose_the_version_is_who_is_logged",
        ),
    ),
    Attack(
        "somebody comes without a token, or with one that has ended or is for other paths",
        (
            f"{_DOOR}test_only_tokens_of_the_file_come_in_and_none_goes_further",
            f"{_DOOR}test_a_token_is_for_what_its_scopes_say",
            f"{_DOOR}test_without_anybody_for_a_path_nobody_comes_in",
            f"{_DEPLOYMENT}/test_frontdoor_pod.py::test_a_token_ends_at_its_moment_without_anybodys_doing",
        ),
    ),
    Attack(
        "somebody listens on the way, or brings a certificate that is none, or a foreign provider's token",
        (f"{_DEPLOYMENT}/test_tls.py", f"{_DEPLOYMENT}/test_identity.py"),
    ),
    Attack("somebody writes another's name into the access log", (f"{_DOOR}test_who_is_logged_is_who_has_the_token",)),
    Attack(
        "a body that is too large, or more requests than one may send, or all of them by one client",
        (
            f"{_DOOR}test_bodies_have_a_limit",
            f"{_DOOR}test_requests_have_a_rate",
            f"{_DOOR}test_each_client_has_a_rate_and_none_takes_anothers",
        ),
    ),
    Attack("connections that are held and say nothing", (f"{_DOOR}test_connections_that_say_nothing_are_closed_and_others_come_in",)),
    Attack(
        "another account of the machine goes round the front door",
        (
            f"{_NEIGHBOUR}test_the_front_door_is_the_only_port_and_what_is_behind_it_answers_there_alone",
            f"{_NEIGHBOUR}test_another_account_reaches_no_socket_of_it",
            f"{_NEIGHBOUR}test_the_exporter_tells_nothing_to_who_has_no_token",
        ),
    ),
    Attack(
        "a pod of a cluster reads Secrets that it has nothing to do with",
        (
            "tests/stacks/installation/test_manifests.py::test_who_looks_at_models_or_starts_runs_can_read_no_secret_whatever_its_name",
            f"{_DEPLOYMENT}/test_kubernetes_host.py::test_who_looks_at_models_reads_the_secret_of_each_and_no_other",
            f"{_DEPLOYMENT}/test_kubernetes_host.py"
            "::test_who_deploys_is_let_have_the_secret_of_that_model_before_it_is_there_and_as_long_as_the_model_is",
            "tests/stacks/installation/test_admission.py",
            "tests/stacks/test_images.py::test_what_a_registry_gives_is_named_by_digest_so_that_no_push_changes_what_runs",
        ),
    ),
    Attack(
        "another account runs a dry run, or a workspace lies where addresses break",
        (
            "tests/app/test_repository.py::test_another_accounts_dry_run_leaves_the_active_stack_of_the_checkout",
            "tests/app/test_repository.py::test_a_path_that_breaks_addresses_is_named_with_its_character",
            "tests/app/test_repository.py::test_a_folder_that_can_not_be_made_is_said_with_the_way_out",
        ),
    ),
    Attack("another account of the machine reads the files", ("tests/switchyard/test_permissions.py",)),
    Attack("a secret in an address is to be seen somewhere", ("tests/switchyard/tabular/tables/test_credentials.py",)),
    Attack("a config that is to cost memory, time or understanding", ("tests/switchyard/tabular/config/test_problem.py",)),
    Attack(
        "a worker or a service is killed under load",
        (
            f"{_LIFE}test_killed_under_load_every_answered_request_is_logged_once",
            f"{_LIFE}test_a_killed_worker_is_replaced_and_nothing_is_lost",
            f"{_HOST}test_a_dead_service_is_soon_back",
        ),
    ),
    Attack(
        "the front door or the supervisor is killed",
        (
            f"{_HOST}test_a_dead_front_door_is_back_with_its_routes",
            f"{_HOST}test_another_supervisor_takes_over_what_the_dead_one_left",
            f"{_SUPERVISOR}test_a_killed_supervisor_is_brought_back_by_the_next_command_that_has_to_do_with_the_model",
        ),
    ),
    Attack(
        "a run is killed, which nobody would ever end",
        (
            "tests/app/test_zenml_private.py"
            "::test_a_run_whose_process_was_killed_is_named_and_then_ended_and_one_that_goes_on_is_left_alone",
        ),
    ),
    Attack(
        "a service that works hard is taken for one that hangs",
        (
            f"{_DEPLOYMENT}/test_keeper.py::test_one_that_is_silent_and_works_is_left_alone",
            f"{_DEPLOYMENT}/test_keeper.py::test_one_that_was_busy_and_then_hangs_is_killed",
        ),
    ),
    Attack(
        "another program takes a front door's port",
        (
            f"{_HOST}test_a_port_that_was_taken_while_it_was_stopped_is_said_at_once",
            f"{_HOST}test_a_front_door_whose_port_was_taken_while_it_was_dead_opens_once_the_port_is_free",
            f"{_DEPLOYMENT}/test_common_door.py::test_a_port_that_another_program_has_is_said_before_anything_is_started",
        ),
    ),
    Attack("a rollback would take away the champion beside a bad candidate", (f"{_DEPLOYMENT}/test_rollback.py",)),
    Attack("a database that is full, locked, damaged or away says nothing", ("tests/app/test_causes.py",)),
    Attack(
        "each process of a deployment is killed under load, one after the other",
        (f"{_DEPLOYMENT}/test_kills.py::test_each_process_is_killed_under_load_and_no_answered_row_is_lost_or_doubled",),
    ),
    Attack(
        "the log's writer is killed at any moment",
        ("tests/switchyard/predictionlog/test_drain.py::test_killed_at_any_moment_every_record_is_there_once",),
    ),
    Attack(
        "the disk is full",
        (
            f"{_SUPERVISOR}test_after_a_full_disk_everything_is_kept_alive_as_before",
            f"{_SUPERVISOR}test_a_state_that_cannot_be_written_is_written_once_it_can_and_what_dies_meanwhile_is_started_again",
            f"{_LIFE}test_a_log_that_cannot_be_written_is_an_unready_server",
            f"{_CHANGED}test_a_bundle_that_can_not_be_written_whole_is_not_there",
            "tests/switchyard/predictionlog/test_journal.py::test_what_does_not_fit_on_the_disk_leaves_nothing_behind",
        ),
    ),
)


def of(attack: Attack, names: set[str]) -> set[str]:
    """Those of `names` that try `attack`."""
    return {name for name in names if any(name == test or name.startswith((f"{test}[", f"{test}::")) for test in attack.tests)}


def verdict(attack: Attack, outcome: Outcome) -> str:
    """held, not held, or not tried with the reason; one that was tried in part says so."""
    failed, passed, skipped = of(attack, outcome.failed), of(attack, outcome.passed), of(attack, set(outcome.skipped))
    files = {test.partition("::")[0] for test in attack.tests}
    if failed or files & outcome.failed:
        return f"NOT HELD  {', '.join(sorted(name.partition('::')[2] or name for name in failed | files & outcome.failed))}"
    why = outcome.skipped[min(skipped)].removeprefix("Skipped: ") if skipped else "nothing tried it"
    if not passed:
        return f"not tried  {why}" if skipped else f"NOT HELD  {why}"
    return f"held, in part: {why}" if skipped else "held"


def main(words: list[str], attacks: tuple[Attack, ...] = ATTACKS, root: Path = ROOT) -> int:
    """Try those of `attacks` with one of `words` in their names, all where there is none; the exit code."""
    chosen = [attack for attack in attacks if not words or any(word in attack.name for word in words)]
    outcome = Outcome()
    tests = [str(root / test) for attack in chosen for test in attack.tests]
    # Those that take minutes too, which a test run leaves out.
    options = ["-q", "--rootdir", str(root), "-p", "no:cacheprovider", "--no-header", "-m", "not cluster"]
    code = pytest.main([*options, *dict.fromkeys(tests)], plugins=[outcome])
    verdicts = {attack.name: verdict(attack, outcome) for attack in chosen}
    width = max(map(len, verdicts), default=0)
    print("\n".join(["", *(f"{name:<{width}}  {said}" for name, said in verdicts.items())]))
    bad = sum(said.startswith("NOT HELD") for said in verdicts.values())
    print(f"\n{len(chosen)} attacks, {bad} not held")
    return 1 if bad or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
