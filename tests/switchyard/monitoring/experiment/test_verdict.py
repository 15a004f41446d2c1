"""What an experiment comes to, and why."""

import re
import shlex
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import ConfigDict, create_model

from deployment.experiments.traffic import ExperimentTraffic
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.experiment.judgement import Judgement
from switchyard.monitoring.experiment.losses import MEASURES, measure_for
from switchyard.monitoring.experiment.observations import Observations, business_value, observe
from switchyard.monitoring.experiment.planning import plan
from switchyard.monitoring.experiment.record import Experiment, Stage
from switchyard.monitoring.experiment.verdict import judge
from switchyard.tabular.config.production import BusinessMetric, ExperimentConfig, Guardrails
from switchyard.tabular.errors import InputError
from tests.switchyard.monitoring.experiment.cases import CLASSES, NOW, SOUND, config, experiment, frame_of


def observed(right=(0.8, 0.8), entities=400, measure="accuracy", rows=1, business=None, extra=(), **changes):
    """Observations of a candidate and a champion of which shares `right` are right."""
    rng = np.random.default_rng(changes.pop("seed", 0))
    frames = [
        frame_of(version, [f"{version}-{number}" for number in range(entities)], share, rng, rows, **changes)
        for version, share in zip(("2", "1"), right)
    ]
    return observe([*frames, *extra], ("2", "1"), MEASURES[measure], CLASSES, "yes", business)


def judged(observations, counts=(SOUND, SOUND), now=NOW, dead=None, running=None, **settings):
    return judge(running or experiment(), observations, counts, config(**settings), now, dead)


def test_recommendations_are_judged_by_what_was_taken_of_what_was_shown():
    """Users of version 2 take one of ten answers in three, those of version 1 in ten; a user counts once."""
    rng, frames = np.random.default_rng(0), []
    for version, share in (("2", 0.3), ("1", 0.1)):
        frame = frame_of(version, [f"{version}-{number}" for number in range(1500)], 0.5, rng, rows=2, labelled=0.8)
        taken = np.where(rng.random(len(frame)) < share, "i1", "i9").astype(object)
        taken[frame["actual"].isna()] = None
        frames.append(frame.assign(actual=taken, probabilities=[{"i0": 1.5, "i1": 0.5}] * len(frame)))

    found = judged(observe(frames, ("2", "1"), measure_for("recommendation", "auto", "ndcg_at_10"), (), None), minimum_effect=None)

    assert found.verdict == "promote" and found.measure == "hit rate of what was shown"
    assert found.candidate.score == pytest.approx(0.3, abs=0.03) and found.champion.score == pytest.approx(0.1, abs=0.03)
    assert found.minimum_effect == pytest.approx(0.1 * found.champion.score)
    with pytest.raises(InputError, match="'accuracy' does not fit a recommendation model; choose one of hit_rate"):
        measure_for("recommendation", "accuracy", "auto")


def test_the_better_wins_the_worse_is_stopped_and_an_even_one_goes_on():
    assert judged(observed((0.95, 0.7))).verdict == "promote"
    worse = judged(observed((0.6, 0.9)))
    assert worse.verdict == "stop" and "worse" in worse.reason
    even = judged(observed())
    assert even.verdict == "continue" and "not decided" in even.reason


def test_an_improvement_that_is_ruled_out_ends_an_ab_test_and_lets_a_canary_through():
    even = observed(entities=6000)
    assert "ruled out" in judged(even).reason and judged(even).verdict == "stop"
    canary = judged(even, running=experiment(strategy="canary", share=0.1))
    assert canary.verdict == "promote" and "not worse" in canary.reason
    assert judged(even, running=experiment(strategy="canary"), goal="better").verdict == "stop"


@pytest.mark.parametrize("measure", ["accuracy", "log_loss", "brier", "roc_auc"])
def test_every_measure_of_a_classifier_finds_a_clear_winner(measure):
    assert judged(observed((0.95, 0.65), 600, measure), minimum_effect=None).verdict == "promote"
    assert judged(observed((0.65, 0.95), 600, measure), minimum_effect=None).verdict == "stop"


def test_regressions_go_by_their_errors():
    rng = np.random.default_rng(0)
    frames = []
    for version, spread in (("2", 1.0), ("1", 1.6)):
        frame = frame_of(version, [f"{version}-{number}" for number in range(500)], 1.0, rng)
        truth = rng.normal(size=500)
        frames.append(frame.assign(actual=truth.astype(str), prediction=truth + rng.normal(0, spread, 500)))
    for name, loss in (("mae", 0.8), ("rmse", 1.0)):
        found = judged(observe(frames, ("2", "1"), MEASURES[name], (), None), minimum_effect=None)
        assert found.verdict == "promote" and found.candidate.loss == pytest.approx(loss, rel=0.15)


def test_an_entity_counts_once_and_one_that_saw_both_not_at_all():
    rng = np.random.default_rng(0)
    both = frame_of("1", ["2-0", "2-1"], 1.0, rng)
    nobody = frame_of("2", [None, None, None], 1.0, rng)
    found = observed(entities=50, rows=7, extra=(both, nobody))

    assert len(found.values("2")) == 48 and len(found.values("1")) == 50
    assert found.crossed == 2 and found.tallies["2"].without_entity == 3
    assert found.tallies["2"].rows == 353 and found.tallies["1"].rows == 352
    assert set(np.round(found.values("2") * 7, 9)) <= set(range(8))


def test_without_labels_one_waits_until_the_days_are_over_and_then_the_champion_stays():
    unlabelled = observed(labelled=0.0)
    waiting = judged(unlabelled)
    assert waiting.verdict == "continue" and "0 entities with a label" in waiting.reason
    late = judged(unlabelled, now=NOW + timedelta(days=20))
    assert late.verdict == "stop" and "max_days" in late.reason


@pytest.mark.parametrize(
    ("candidate", "verdict", "said"),
    [
        (Counts(requests=100, errors=8, latency=SOUND.latency), "stop", "8 of 100 requests failed"),
        (Counts(requests=100, errors=1, latency=SOUND.latency), "continue", ""),
        (Counts(requests=173, refused=173, latency=SOUND.latency), "stop", "173 of 173 requests were refused, 0 of 1000 of production's"),
        (Counts(requests=100, refused=1, latency=SOUND.latency), "continue", ""),
        (Counts(requests=100, latency=((5.0, 50), (10.0, 55), (25.0, 60), (60000.0, 100))), "stop", "took longer than"),
        (Counts(), "continue", ""),
    ],
)
def test_guardrails_stop_whatever_the_score_says(candidate, verdict, said):
    found = judged(observed(), (candidate, SOUND))
    assert found.verdict == verdict and said in found.reason
    if verdict == "stop":
        assert judged(observed((0.99, 0.5)), (candidate, SOUND)).verdict == "stop"


def test_requests_that_both_versions_refuse_are_the_clients_fault():
    both = (Counts(requests=100, refused=30, latency=SOUND.latency), Counts(requests=1000, refused=300, latency=SOUND.latency))
    found = judged(observed(), both)
    assert found.verdict == "continue" and (found.candidate.refused, found.champion.refused) == (30, 300)


def test_a_candidate_that_does_not_run_is_stopped():
    assert "does not run: dies again" in judged(observed(), dead="dies again").reason


def test_a_business_metric_is_kept_or_broken_in_its_direction():
    for better, verdict in (("higher", "stop"), ("lower", "continue")):
        rail = {"value": "amount * label", "better": better}
        value = business_value("amount * label", CLASSES, "yes")
        rng = np.random.default_rng(0)
        frames = []
        for version, factor in (("2", 0.5), ("1", 1.0)):
            frame = frame_of(version, [f"{version}-{n}" for n in range(400)], 0.8, rng, labelled=0.0)
            frames.append(frame.assign(**{"input.amount": frame["input.amount"] * factor}))
        found = judged(observe(frames, ("2", "1"), MEASURES["accuracy"], CLASSES, "yes", value), guardrails={"business": rail})
        assert found.verdict == verdict, better


@pytest.mark.parametrize(
    ("text", "said"), [("amout", "no column 'amout'; it has amount, job"), ("job", "holds words"), ("a b", "no expression")]
)
def test_a_business_metric_that_cannot_be_is_said(text, said):
    with pytest.raises(InputError, match=said):
        observed(entities=5, business=business_value(text, CLASSES, "yes"))


def test_a_ramp_goes_up_only_where_the_guardrails_hold_and_alpha_is_shared_out():
    settings = {"ramp": [0.05, 0.2, 0.5], "ramp_hours": 12, "ramp_requests": 100}
    running = experiment(strategy="canary", share=0.05)
    assert judged(observed(entities=10), running=running, **settings).raise_to == 0.2
    assert judged(observed(entities=10), running=running, **settings).alpha == pytest.approx(0.05 / 3)
    few = Counts(requests=99, latency=SOUND.latency)
    assert judged(observed(entities=10), (few, SOUND), running=running, **settings).raise_to is None
    assert judged(observed(entities=10), running=running, **{**settings, "ramp_hours": 30}).raise_to is None
    last = experiment(strategy="canary", stages=(*running.stages, Stage(share=0.5, since=NOW - timedelta(days=1))))
    assert judged(observed(entities=10), running=last, **settings).raise_to is None
    assert judged(observed(entities=10), **settings).raise_to is None


def test_what_was_decided_stays_decided():
    found = judged(observed(), running=experiment(verdict="promote", reason="as seen before"))
    assert found.verdict == "promote" and found.reasons == ("as seen before",)


def test_judgement_and_observations_are_kept_and_shown(tmp_path):
    observations = observed((0.95, 0.7), 200)
    found = judged(observations)
    for name, thing, kind in (("one", found, Judgement), ("two", observations, Observations)):
        (tmp_path / name).mkdir()
        thing.write(tmp_path / name)
        again = kind.read(tmp_path / name)
        assert again.metadata() == thing.metadata()
    running = experiment(stages=(Stage(share=0.5, since=NOW, counts={"v1": SOUND}),))
    assert Experiment.model_validate_json(running.model_dump_json()) == running
    assert (again.values("2") == observations.values("2")).all()
    assert "<svg" in found.html() and "promote" in found.html() and "<script" not in found.html()
    widths = [point.upper - point.lower for point in found.sequence]
    assert len(widths) > 20 and widths[-1] < widths[0]


def test_a_plan_says_what_is_known_and_no_more():
    measure = MEASURES["accuracy"]
    champion = observed(entities=200)
    whole = plan(measure, 0.5, config(), champion, "1", timedelta(days=2), None)
    assert whole.entities > whole.fixed and whole.days == pytest.approx(whole.entities / 100) and "days" in whole.sentence()
    assert plan(measure, 0.5, config(), champion, "1", timedelta(minutes=5), None).days is None
    by_holdout = plan(measure, 0.5, config(), observed(labelled=0.0), "1", timedelta(days=2), 0.8)
    assert by_holdout.entities and "holdout" in by_holdout.sentence()
    unknown = plan(MEASURES["log_loss"], 0.5, config(minimum_effect=None), None, "1", timedelta(0), None)
    assert unknown.entities is None and "not known" in unknown.sentence()


def test_steps_can_hand_them_on():
    # ZenML has pydantic check what a step is given.
    for kind in (Observations, Judgement, Experiment, ExperimentTraffic):
        create_model("Input", __config__=ConfigDict(arbitrary_types_allowed=True), given=(kind, ...))


def test_every_key_of_the_config_is_explained():
    text = (Path(__file__).resolve().parents[4] / "docs" / "experiments.md").read_text().split("## What to set")[1]
    keys = set(ExperimentConfig.model_fields) - {"guardrails"} | {f"guardrails.{name}" for name in Guardrails.model_fields}
    assert keys | set(BusinessMetric.model_fields) <= set(re.findall(r"`([\w.]+)`", text))


def test_the_commands_of_the_page_are_commands():
    import click

    from app.cli import CommandLine, as_command

    text = (Path(__file__).resolve().parents[4] / "docs" / "experiments.md").read_text()
    commands = [shlex.split(line.split("  #")[0])[2:] for line in text.splitlines() if line.startswith("python run.py")]
    assert len(commands) == 6
    line = CommandLine("run")
    for name, *options in map(as_command, commands):
        assert line.get_command(click.Context(line), name).make_context(name, options).params


def test_the_measure_follows_the_problem_or_the_config():
    assert measure_for("binary", "auto", "auto").name == "roc_auc"
    assert measure_for("binary", "auto", "f1").name == "log_loss"
    assert measure_for("regression", "auto", "r2").name == "rmse"
    assert measure_for("multiclass", "accuracy", "log_loss").name == "accuracy"
    with pytest.raises(InputError, match="does not fit a regression"):
        measure_for("regression", "accuracy", "rmse")
