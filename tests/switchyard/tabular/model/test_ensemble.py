import io
import logging
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.model.combiner import Combiner
from switchyard.tabular.model.combining import blend, greedy, held_out_outputs, rank_auc, stack, vote
from switchyard.tabular.model.ensemble import build_ensemble
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.model.model import Model
from switchyard.tabular.model.refit import refit_params
from switchyard.tabular.tables.folds import make_folds
from switchyard.tabular.tuning import Candidate, Study, StudyStore, Trial, study_key, tune_family
from switchyard.tabular.tuning.crossval import training_target
from switchyard.tabular.tuning.leaderboard import LiveLeaderboard
from tests.switchyard.tabular.tuning.tables import search


def parts_of(rows, count=5):
    return np.array_split(np.random.default_rng(0).permutation(rows), count)


def noise(members, rows=300, seed=3):
    rng = np.random.default_rng(seed)
    positive = rng.random((members, rows))
    return [np.column_stack([1 - p, p]) for p in positive], rng.integers(0, 2, rows)


@pytest.mark.parametrize("name", ["stack", "greedy", "blend"])
def test_on_noise_weights_look_good_only_where_they_were_learnt(name):
    outputs, truth = noise(30)

    def score(y, output):
        return rank_auc(y, output[:, 1])

    learner = {"stack": stack(range(30)), "greedy": greedy(score, lambda members: True, 0), "blend": blend(range(30))}[name]
    seen = score(truth, learner(outputs, truth).output(outputs))
    honest = score(truth, held_out_outputs(learner, outputs, truth, parts_of(300), False, range(30)))
    assert seen > 0.58
    assert honest < 0.55


def test_learners_find_the_better_member_and_the_gain_of_two():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    logits = [2 * truth - 1 + rng.normal(scale=scale, size=4000) for scale in (1.5, 1.5, 8.0)]
    outputs = [np.column_stack([1 - p, p]) for p in (1 / (1 + np.exp(-logit)) for logit in logits)]

    def score(y, output):
        return rank_auc(y, output[:, 1])

    alone = max(score(truth, output) for output in outputs)
    for learner in (greedy(score, lambda members: True, 0), blend(range(3)), stack(range(3))):
        combination = learner(outputs, truth)
        assert score(truth, combination.output(outputs)) > alone + 0.02
        by_member = dict(zip(combination.members, np.abs(combination.combiner.weights.ravel())))
        assert by_member.get(2, 0.0) < 0.3 * by_member[0]


def test_greedy_keeps_to_what_fits():
    outputs, truth = noise(8)
    combination = greedy(lambda y, output: rank_auc(y, output[:, 1]), lambda members: len(members) <= 2, 0)(outputs, truth)
    assert len(combination.members) <= 2


def test_stack_of_predictions_undoes_scale_and_offset():
    truth = np.random.default_rng(0).normal(100, 20, 500)
    combination = stack([0])([2 * truth + 7], truth)
    assert np.allclose(combination.output([2 * truth + 7]), truth, atol=0.1)


def test_in_time_order_weights_come_from_the_past():
    outputs, truth = noise(2, rows=60)
    parts = np.array_split(np.arange(60), 3)
    seen = []

    def learner(given, y):
        seen.append(len(y))
        return vote([0])(given, y)

    result = held_out_outputs(learner, outputs, truth, parts, True, [0, 1])
    assert seen == [20, 40]
    assert np.allclose(result[:20], (outputs[0][:20] + outputs[1][:20]) / 2)


def test_ranks_give_the_area_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 2, 500), np.round(rng.random(500), 2)
    assert rank_auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)


def studies_for(tmp_path, families=("lightgbm", "random_forest"), **settings):
    split, plan, problem = search(families=families, **{"trials": 2, **settings})
    store = StudyStore(tmp_path, study_key(split, plan, problem, "code"))
    return [tune_family(split, plan, problem, family, store, n_jobs=1) for family in families], split, plan, problem


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_winner_is_fitted_to_all_rows_and_beats_a_constant(tmp_path, task):
    studies, split, plan, problem = studies_for(tmp_path / "store", task=task, rows=600)
    model, leaderboard = build_ensemble(studies, split, plan, problem, n_jobs=1)
    predicted = model.predict(split.holdout)
    if task == "regression":
        truth = split.holdout["y"].to_numpy()
        assert np.mean((truth - predicted) ** 2) < 0.5 * truth.var()
        lower, upper = model.interval(split.holdout)
        assert 0.75 < ((lower <= truth) & (truth <= upper)).mean() <= 1
    else:
        assert (predicted == split.holdout["y"]).mean() > split.holdout["y"].value_counts(normalize=True).max()
        assert np.allclose(model.predict_proba(split.holdout).sum(axis=1), 1)
    assert {"single", "greedy", "blending", "stacking"} < {row.kind for row in leaderboard.entries}
    assert sum(row.chosen for row in leaderboard.entries) == 1
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    model.write(tmp_path / "one")
    build_ensemble(studies, split, plan, problem, n_jobs=1)[0].write(tmp_path / "two")
    assert all(
        path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
        for path in (tmp_path / "one").rglob("*")
        if path.is_file()
    )
    assert np.array_equal(Model.read(tmp_path / "one").predict(split.holdout), predicted)


def test_the_leaderboard_is_kept_and_shown(tmp_path):
    studies, split, plan, problem = studies_for(tmp_path)
    _, leaderboard = build_ensemble(studies, split, plan, problem, n_jobs=1)
    (tmp_path / "board").mkdir()
    leaderboard.write(tmp_path / "board")
    assert Leaderboard.read(tmp_path / "board") == leaderboard
    table = leaderboard.table()
    assert len(table.rows) == len(leaderboard.entries) and {len(row) for row in table.rows} == {len(table.headers)}
    assert "<script" not in leaderboard.html() and "chosen" in leaderboard.html()


def test_the_leaderboard_shows_folds_hyperparameters_and_how_the_best_was_found(tmp_path):
    studies, split, plan, problem = studies_for(tmp_path)
    _, leaderboard = build_ensemble(studies, split, plan, problem, n_jobs=1)
    page = leaderboard.html()

    for row in leaderboard.entries:
        assert np.mean(row.folds) == pytest.approx(row.score) and np.std(row.folds) == pytest.approx(row.std)
        assert bool(row.settings) == (row.kind == "single")
    single = next(row for row in leaderboard.entries if row.name == "lightgbm")
    study = next(study for study in studies if study.family == "lightgbm")
    assert set(single.settings) == {*study.best.trial.params, *study.best.trial.choices}
    assert all(name in page for name in single.settings)
    assert {line.label for line in leaderboard.search.lines} == {"lightgbm", "random_forest"}
    assert all(line.y[-1] == pytest.approx(found.best.trial.score, abs=1e-6) for line, found in zip(leaderboard.search.lines, studies))
    assert leaderboard.search.x == "trials of the family" and page.count("<svg") == 1


def known_studies(better, worse, seconds=1.0):
    """Studies whose out-of-fold predictions are made up: the truth plus noise of the given sizes, on equal folds.

    Each fit of the first took `seconds`, of the second one.
    """
    split, plan, problem = search(rows=1000, trials=1)
    truth, _ = training_target(split, problem)
    folds = make_folds(split, problem)
    studies = []
    for name, spread in (("lightgbm", better), ("random_forest", worse)):
        margin = 2.0 * truth - 1 + np.random.default_rng(len(name)).normal(scale=spread, size=len(truth))
        positive = 1 / (1 + np.exp(-margin))
        scores = tuple(rank_auc(truth[valid], positive[valid]) for _, valid in folds)
        params = {"iterations": 5} if name == "random_forest" else {"iterations": 5, "patience": 5, "num_leaves": 4}
        trial = Trial(
            number=0,
            state="complete",
            params=params,
            choices={},
            fold_scores=scores,
            best_iterations=(5,) * len(scores),
            train_rows=tuple(len(train) for train, _ in folds),
            fit_seconds=(seconds if name == "lightgbm" else 1.0,) * len(scores),
        )
        candidate = Candidate(trial, np.column_stack([1 - positive, positive]))
        studies.append(Study(name, "roc_auc", (trial,), (candidate,), "", 3.0, 3.0, True))
    return studies, split, plan, problem


def test_the_simpler_wins_when_nothing_is_gained():
    model, leaderboard = build_ensemble(*known_studies(0.5, 30.0), n_jobs=1)
    assert leaderboard.winner.kind == "single" and model.family == "lightgbm"
    assert "simpler" in leaderboard.rule or "best" in leaderboard.rule


def test_an_ensemble_wins_when_two_know_more_than_one():
    model, leaderboard = build_ensemble(*known_studies(1.5, 1.5), n_jobs=1)
    assert leaderboard.winner.kind != "single" and len(model.members) == 2


def test_constraints_and_settings_forbid_ensembles():
    studies, split, plan, problem = known_studies(1.5, 1.5)
    plain = problem.model_copy(update={"constraints": problem.constraints.model_copy(update={"explainable_only": True})})
    alone = problem.model_copy(update={"tuning": problem.tuning.model_copy(update={"ensemble": False})})
    for setting in (plain, alone):
        model, leaderboard = build_ensemble(studies, split, plan, setting, n_jobs=1)
        assert len(model.members) == 1 and {row.kind for row in leaderboard.entries} == {"single"}
    fast = problem.model_copy(update={"constraints": problem.constraints.model_copy(update={"max_latency_ms": 0.2})})
    assert len(build_ensemble(studies, split, plan, fast, n_jobs=1)[0].members) == 1


def test_a_bundle_limit_leaves_out_what_may_be_too_large():
    studies, split, plan, problem = known_studies(30.0, 0.5)
    model, _ = build_ensemble(studies, split, plan, problem, n_jobs=1)
    small = problem.model_copy(update={"constraints": problem.constraints.model_copy(update={"max_bundle_mb": 5.0})})
    limited, leaderboard = build_ensemble(studies, split, plan, small, n_jobs=1)

    assert "random_forest" in {member.family for member in model.members}
    assert {member.family for member in limited.members} == {"lightgbm"}
    assert any("random_forest" in note and "size" in note for note in leaderboard.notes)


def test_members_that_cannot_be_fitted_in_time_are_left_out_and_named():
    studies, split, plan, problem = known_studies(1.5, 1.5)
    model, leaderboard = build_ensemble(studies, split, plan, problem, budget_left_s=4.5, n_jobs=1)
    assert len(model.members) == 1
    assert any("too little time" in note for note in leaderboard.notes)


def test_a_better_model_that_cannot_be_fitted_in_time_is_named_with_the_way_out():
    studies, split, plan, problem = known_studies(1.0, 2.0, seconds=60.0)
    _, leaderboard = build_ensemble(studies, split, plan, problem, budget_left_s=20.0, n_jobs=1)
    best, chosen = studies[0].best.trial.score, leaderboard.winner

    assert chosen.name == "random_forest" and chosen.score < best
    assert leaderboard.missed == (
        f"lightgbm scored better (roc_auc {best:.5g}, random_forest {chosen.score:.5g}), "
        f"but too little time was left to fit it: give a larger --budget than {problem.tuning.budget_s:g}"
    )
    assert leaderboard.missed in leaderboard.notes
    # Neither is what is worse, nor what is too large by its size.
    assert not build_ensemble(*known_studies(2.0, 1.0, seconds=60.0), budget_left_s=20.0, n_jobs=1)[1].missed
    tiny = problem.model_copy(update={"constraints": problem.constraints.model_copy(update={"max_bundle_mb": 0.001})})
    assert not build_ensemble(studies, split, plan, tiny, budget_left_s=20.0, n_jobs=1)[1].missed


def test_without_any_candidate_the_error_says_why():
    studies, split, plan, problem = known_studies(1.5, 1.5)
    dropped = [replace(study, candidates=(), reason="dropped: out of time") for study in studies]
    with pytest.raises(SwitchyardError, match="lightgbm: dropped: out of time.*larger tuning.budget_s"):
        build_ensemble(dropped, split, plan, problem)


def test_rounds_of_the_last_fit_grow_with_the_rows_for_boosting_only():
    def trial(**params):
        return Trial(
            number=0,
            state="complete",
            params={"iterations": 900, **params},
            choices={},
            fold_scores=(0.5, 0.5),
            best_iterations=(80, 120),
            train_rows=(80, 80),
            fit_seconds=(1.0, 1.0),
        )

    assert refit_params("lightgbm", trial(patience=50), 100)["iterations"] == round((80 * 120) ** 0.5 * 1.25**0.5)
    net = refit_params("neural_network", trial(patience=5, epochs=200), 100)
    assert net["iterations"] == net["epochs"] == 100
    assert refit_params("random_forest", trial(), 100)["iterations"] == 100


def test_the_live_leaderboard_logs_where_there_is_no_terminal_and_draws_where_there_is(tmp_path, caplog):
    split, plan, problem = search(families=["lightgbm"], trials=3)
    with caplog.at_level(logging.INFO), LiveLeaderboard(Console(file=io.StringIO())) as live:
        tune_family(split, plan, problem, "lightgbm", StudyStore(tmp_path, "a"), live, n_jobs=1)
    assert "lightgbm trial 0: complete, roc_auc" in caplog.text and "lightgbm: roc_auc" in caplog.text
    drawn = io.StringIO()
    with LiveLeaderboard(Console(file=drawn, force_terminal=True, width=100)) as live:
        tune_family(split, plan, problem, "lightgbm", StudyStore(tmp_path, "b"), live, n_jobs=1)
    assert "best cv roc_auc" in drawn.getvalue()


def seeded(problem, seeds):
    return problem.model_copy(update={"training": problem.training.model_copy(update={"seeds": seeds})})


@pytest.mark.parametrize("spread", [(0.5, 30.0), (1.5, 1.5)], ids=["single", "ensemble"])
def test_what_varies_with_its_seed_is_fitted_several_times_and_the_mean_answers(spread):
    studies, split, plan, problem = known_studies(*spread)
    once, _ = build_ensemble(studies, split, plan, problem, n_jobs=1)
    model, leaderboard = build_ensemble(studies, split, plan, seeded(problem, 3), n_jobs=1)

    boosters = [member.estimator for member in model.members if member.family == "lightgbm"]
    assert [estimator.seed for estimator in boosters] == [0, 1, 2] and len(model.members) == len(once.members) + 2
    assert model.family == once.family and "fitted 3 times" in leaderboard.rule
    # The first of them is what it was, and together they have its weight.
    outputs = model.member_outputs(split.holdout)
    alone = [output for member, output in zip(model.members, outputs) if member.estimator.seed == 0]
    assert all(map(np.array_equal, alone, once.member_outputs(split.holdout)))
    if once.combiner.kind == "average":
        mean = [np.mean(outputs[: len(boosters)], axis=0), *outputs[len(boosters) :]]
        assert np.allclose(once.combiner.combine(mean), model.combiner.combine(outputs))


def test_how_often_follows_from_the_rest_of_the_budget_and_from_what_is_allowed():
    studies, split, plan, problem = known_studies(0.5, 30.0)

    def members(problem, left_s=None):
        return len(build_ensemble(studies, split, plan, problem, left_s, n_jobs=1)[0].members)

    assert members(problem) == 1, "without a clock, once"
    # A fit and its export are thought to take 2.6 s, with that to all rows.
    assert [members(problem, left_s) for left_s in (6.0, 60.0)] == [1, 5]
    limited = problem.model_copy(update={"constraints": problem.constraints.model_copy(update={"max_latency_ms": 0.25})})
    assert members(limited, 60.0) == 2, "0.12 ms for the first and 0.08 for each more"
    assert members(seeded(problem, 2), 60.0) == 2 and members(seeded(problem, 4), 6.0) == 1


def test_a_repeated_member_weighs_what_it_did():
    rng = np.random.default_rng(0)
    outputs = [rng.dirichlet([1, 1, 1], 20) for _ in range(2)]
    twice = [outputs[0], outputs[0], outputs[1]]
    for combiner in (Combiner.average([0.3, 0.7]), Combiner.stack(rng.normal(size=(6, 3)), rng.normal(size=3))):
        assert np.allclose(combiner.repeated((2, 1)).combine(twice), combiner.combine(outputs))
