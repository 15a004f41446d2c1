"""Rules, their thresholds, and the decision about a window: one, however often it is looked at."""

import re
from datetime import timedelta

import pandas as pd
import yaml

from switchyard.monitoring.decide import decide, decide_and_record, window_key
from switchyard.monitoring.drift import measure_drift
from switchyard.monitoring.expectations import validate_window
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.ledger import Ledger, Past
from switchyard.monitoring.log_window import window_of_log
from switchyard.monitoring.look import Look
from switchyard.monitoring.performance import measure_performance
from switchyard.tabular.config.monitoring import Actions, Monitoring
from tests import symptoms
from tests.switchyard.monitoring.people import START, fill, label, people, window
from tests.switchyard.monitoring.people import reference as reference_of


def judged(frame, reference, settings, past=(), made=None):
    found = made or window(frame, reference)
    validation = validate_window(found, reference)
    drift, performance = measure_drift(found, reference, settings), measure_performance(found, reference, settings)
    return found, validation, drift, performance


def decided(frame, reference, settings=Monitoring(), past=(), before=None, production=True):
    found, *measured = judged(frame, reference, settings)
    return decide(found.facts.model_copy(update={"of_production": production}), *measured, settings, past, before=before)


def verdicts(decision):
    return {rule.name: rule.verdict for rule in decision.rules}


def test_a_window_like_training_asks_for_nothing(reference):
    decision = decided(people(1500, 11), reference)

    assert decision.action == "nothing" and set(verdicts(decision).values()) == {"nothing"}
    assert decision.reason == "no rule was crossed"
    assert [rule.threshold for rule in decision.rules] == [0.8, 0.05, 0.1, 3, 0, 0.05]
    assert decision.key.startswith("small-v1-") and decision.key.endswith("-nothing")
    assert "performance_floor" in decision.html()


def test_a_fallen_score_asks_for_training_and_an_estimated_one_for_an_alert(reference):
    measured = decided(people(1500, 11, flipped=True), reference)
    estimated = decided(people(1500, 11, income=85).assign(y=None), reference, Monitoring(relative_drop=0.02))

    assert measured.action == "retrain"
    assert verdicts(measured)["performance_floor"] == verdicts(measured)["performance_drop"] == "retrain"
    assert verdicts(estimated)["performance_drop"] in ("alert", "nothing") and estimated.labelled == 0
    assert "retrain" not in (verdicts(estimated)["performance_floor"], verdicts(estimated)["performance_drop"])


def test_drift_counts_by_weight_and_the_action_is_the_configs(reference):
    drifting = people(1500, 11, income=60)

    assert verdicts(decided(drifting, reference))["drift_share"] == "alert"
    assert verdicts(decided(drifting, reference, Monitoring(actions=Actions(drift_share="retrain"))))["drift_share"] == "retrain"
    assert verdicts(decided(people(1500, 11, noise=2), reference))["drift_share"] == "nothing"
    assert verdicts(decided(people(1500, 11, noise=2), reference, Monitoring(weighted=False)))["drift_share"] == "alert"


def test_drift_that_repeats_asks_for_training(reference):
    settings, drifting = Monitoring(repeats=2, windows=3), people(1500, 11, income=60).assign(y=None)

    assert verdicts(decided(drifting, reference, settings, [Past("a", False), Past("b", True)]))["repeated_drift"] == "retrain"
    assert (
        verdicts(decided(drifting, reference, settings, [Past("a", False), Past("b", False), Past("c", True)]))["repeated_drift"]
        == "nothing"
    )
    assert verdicts(decided(people(1500, 11), reference, settings, [Past("a", True), Past("b", True)]))["repeated_drift"] == "nothing"


def test_a_broken_column_is_a_matter_of_quality(reference):
    frame = people(1500, 11)
    frame.loc[frame.index[:300], "job"] = "astronaut"

    rule = next(rule for rule in decided(frame, reference).rules if rule.name == "data_quality")
    assert rule.verdict == "alert" and "job" in rule.reason and rule.value == 1


def test_what_the_holdout_did_already_is_no_news():
    """Later rows of the training period have new jobs; a window with them is as in training, one with others is not."""
    early, later = people(3000, 1), people(2000, 2)
    later.loc[later.index[:1000], "job"] = "pilot"
    past = reference_of("time", pd.concat([early, later], ignore_index=True))
    window_rows = people(1500, 3)
    window_rows.loc[window_rows.index[:600], "job"] = "pilot"
    strange = people(1500, 3)
    strange.loc[strange.index[:600], "income"] = 5000.0

    assert verdicts(decided(window_rows, past))["data_quality"] == "nothing"
    assert verdicts(decided(strange, past))["data_quality"] == "alert"


def test_one_decision_for_a_window_however_often_and_the_second_look_counts_once(reference, log):
    """Three windows drift one after the other; each is looked at twice, and labels come before the second look."""
    settings, ledger = Monitoring(repeats=3, windows=3), Ledger(log)
    span = timedelta(seconds=1000)
    seen = []
    for place in range(3):
        begin = START + place * span
        frame = people(900, 20 + place, income=60)
        ids = fill(log, frame, begin)
        look = Look(since=begin, until=begin + span)
        for turn in range(2):
            made = window_of_log(log, "small", "1", reference.facts, look, "7d", 50_000)
            found, *measured = judged(None, reference, settings, made=made)
            seen.append(decide_and_record(found.facts, *measured, settings, ledger))
            if turn == 0:
                label(log, ids, frame.y, begin + 2 * span)

    repeated = [next(rule.value for rule in decision.rules if rule.name == "repeated_drift") for decision in seen]
    assert repeated == [1, 1, 2, 2, 3, 3]
    # The labels that came before the second look say that the score holds.
    assert [decision.action for decision in seen][-2:] == ["retrain", "alert"]
    kept = ledger.decisions("small")
    assert len(kept) == 3 and [decision.labelled for decision in kept] == [900, 900, 900]
    assert ledger.decision(window_key(found.facts)) == seen[-1]


def test_a_flood_of_alerts_ends_by_a_longer_window_and_by_a_rule_that_only_tells(reference, log):
    """As docs/operations.md tells whoever is on call."""
    span, (actions,) = timedelta(seconds=1000), re.findall(r"`monitoring\.actions: ({[^`]+})`", symptoms.row("come in floods"))
    for place in range(3):
        fill(log, people(900, 20 + place, income=60), START + place * span)

    def drift(settings, *looks):
        windows = [window_of_log(log, "small", "1", reference.facts, look, "7d", 50_000) for look in looks]
        measured = [judged(None, reference, settings, made=made) for made in windows]
        return [verdicts(decide(found.facts, *rest, settings, ()))["drift_share"] for found, *rest in measured]

    short = [Look(since=START + place * span, until=START + (place + 1) * span) for place in range(3)]
    assert drift(Monitoring(), *short) == ["alert"] * 3
    assert drift(Monitoring(), Look(since=START, until=START + 3 * span)) == ["alert"]
    assert drift(Monitoring(actions=yaml.safe_load(actions)), *short) == ["nothing"] * 3


def test_refused_requests_are_told_though_no_window_holds_them(reference, log):
    ledger, settings = Ledger(log), Monitoring()
    fill(log, people(5, 1))
    empty = Look(since=START - timedelta(days=2), until=START - timedelta(days=1))
    made = window_of_log(log, "small", "1", reference.facts, empty, "7d", 50_000)
    drift, performance = measure_drift(made, reference, settings), measure_performance(made, reference, settings)

    def look(counted, **window):
        return decide_and_record(made.facts.model_copy(update=window), None, drift, performance, settings, ledger, counted)

    first = look(Counts(requests=100, refused=2))
    assert first.action == "nothing" and first.rules[-1].reason.startswith("2 of 100 requests since the last window were refused")
    every = look(Counts(requests=441, refused=343), identity="next")
    assert every.action == "alert" and every.reason.startswith("alert: 341 of 341 requests since the last window were refused")
    assert look(Counts(requests=441, refused=343), identity="next") == every
    started_anew = look(Counts(requests=50, refused=9), identity="third")
    assert started_anew.action == "nothing" and started_anew.rules[-1].value == 9 / 50


def test_windows_of_scored_tables_look_back_at_their_own_and_take_no_requests_from_the_next(reference, log):
    """Requests drift, tables do not; both are looked at in turn."""
    settings, ledger, span = Monitoring(repeats=2, windows=3), Ledger(log), timedelta(seconds=1000)
    seen = {"requests": [], "tables": []}
    for place in range(2):
        begin = START + place * span
        fill(log, people(900, 20 + place, income=60), begin)
        fill(log, people(900, 30 + place), begin, role="batch")
        for of in seen:
            look = Look(since=begin, until=begin + span, of=of)
            found, *measured = judged(None, reference, settings, made=window_of_log(log, "small", "1", reference.facts, look, "7d", 50_000))
            counted = Counts(requests=900 * (place + 1), refused=0)
            seen[of].append((window_key(found.facts), decide_and_record(found.facts, *measured, settings, ledger, counted)))

    repeated = {of: [next(r.value for r in decision.rules if r.name == "repeated_drift") for _, decision in seen[of]] for of in seen}
    assert repeated == {"requests": [1, 2], "tables": [0, 0]}
    assert all(key.startswith("tables-") and decision.counted is None for key, decision in seen["tables"])
    assert "of 900 requests since the last window" in seen["requests"][1][1].rules[-1].reason


def test_an_empty_window_asks_for_nothing_and_says_so(reference, log):
    fill(log, people(5, 1))
    look = Look(since=START - timedelta(days=2), until=START - timedelta(days=1))
    found = window_of_log(log, "small", "1", reference.facts, look, "7d", 50_000)
    settings = Monitoring()
    drift, performance = measure_drift(found, reference, settings), measure_performance(found, reference, settings)
    decision = decide(found.facts, None, drift, performance, settings)

    assert decision.action == "nothing" and decision.reason == "no prediction was made in this window"
    assert all(rule.value is None and rule.reason.startswith("not applied") for rule in decision.rules)


def test_what_may_be_chance_counts_when_the_next_window_says_so_too(reference):
    """Income a fifth of a standard deviation higher in 600 rows: drift with 99 %, and not beyond doubt."""
    slight, plain = people(600, 16, income=53.2).assign(y=None), people(600, 16).assign(y=None)

    alone, again = decided(slight, reference, before=frozenset()), decided(slight, reference, before=frozenset({"income"}))
    assert alone.action == "nothing" and alone.suspected == ("income",)
    assert "income may be chance; it counts if the next window says so too" in alone.rules[2].reason
    assert verdicts(again)["drift_share"] == verdicts(decided(slight, reference))["drift_share"] == "alert"
    assert decided(people(600, 16, income=60), reference, before=frozenset()).action == "alert"
    assert decided(plain, reference, before=frozenset({"income"})).action == "nothing"


def test_a_fallen_score_that_may_be_chance_waits_for_the_next_window_too(reference):
    mixed = pd.concat([people(370, 11), people(30, 12, flipped=True)], ignore_index=True)

    alone = decided(mixed, reference, before=frozenset())
    assert verdicts(alone)["performance_drop"] == "nothing" and "performance_drop" in alone.suspected
    assert verdicts(decided(mixed, reference, before=frozenset({"performance_drop"})))["performance_drop"] == "retrain"
    assert verdicts(decided(people(1500, 11, flipped=True), reference, before=frozenset()))["performance_drop"] == "retrain"


def test_tables_are_no_windows_of_production(reference, log):
    settings, ledger = Monitoring(repeats=2, windows=3), Ledger(log)
    for seed in range(3):
        found, *measured = judged(people(900, seed, income=60).assign(y=None), reference, settings)
        decision = decide_and_record(found.facts, *measured, settings, ledger)

    assert verdicts(decision)["drift_share"] == "alert" and verdicts(decision)["repeated_drift"] == "nothing"
    assert "--data" in decision.rules[3].reason and len(ledger.decisions("small")) == 3
    assert not ledger.past("small", "1", decision.until, 0.1, 5) and not ledger.suspected("small", "1", decision.until)
