from dataclasses import replace

import numpy as np
import pytest

from switchyard.tabular.tuning.ledger import SELDOM_TAKEN, Standing, clock, far_behind, reserve, share
from switchyard.tabular.tuning.pruning import CurveBound, Race
from switchyard.tabular.tuning.study import Trial


def test_time_is_counted_once_and_nights_not_at_all():
    assert clock([]) == 0
    assert clock([(0, 10), (5, 12)]) == 12  # in parallel
    assert clock([(0, 10), (12, 20)]) == 20  # an artifact was being stored
    assert clock([(0, 10), (36_000, 36_010)]) == 20  # killed, and begun again in the morning


def test_a_part_is_kept_for_refit_and_export():
    assert reserve(60) == 12
    assert reserve(1000) == 120
    assert all(0.12 <= reserve(budget) / budget <= 0.2 for budget in (5, 60, 120, 600, 3600))


def families(**states):
    return [states.get(name, Standing(name)) for name in ("lightgbm", "xgboost", "random_forest", "neural_network")]


def test_shares_of_families_one_after_another_fill_the_time():
    now, standings = 0.0, families()
    for place, standing in enumerate(standings):
        seconds = share(standing.family, standings, 100)
        standings[place] = Standing(standing.family, True, ((now, now + seconds),))
        now += seconds
    assert now == pytest.approx(100 - reserve(100))


def test_who_would_only_load_its_library_leaves_its_part_to_the_others():
    short, long = 10, 60
    began = families(neural_network=Standing("neural_network", sessions=((0.0, 1.0),)))

    assert share("neural_network", families(), short) == 0
    assert sum(share(name, families(), short) for name in ("lightgbm", "xgboost", "random_forest")) == pytest.approx(short - reserve(short))
    assert share("neural_network", families(), long) > 5
    assert share("neural_network", began, short) > 0
    assert share("neural_network", [Standing("neural_network")], short) == short - reserve(short)


def test_time_left_over_goes_to_those_to_come():
    early = families(lightgbm=Standing("lightgbm", True, ((0.0, 1.0),)))
    late = families(lightgbm=Standing("lightgbm", True, ((0.0, 30.0),)))
    assert share("xgboost", early, 100) > share("xgboost", late, 100)


def test_time_before_a_kill_counts():
    whole = share("lightgbm", families(), 100)
    assert share("lightgbm", families(lightgbm=Standing("lightgbm", False, ((0.0, 10.0),))), 100) == pytest.approx(whole - 10)


def test_on_machines_of_their_own_shares_grow_to_all_the_time():
    assert share("lightgbm", families(), 100, parallel=4) == pytest.approx(100 - reserve(100))


def test_who_is_far_behind():
    standings = families(lightgbm=Standing("lightgbm", True, best=0.90))
    assert "far behind lightgbm" in far_behind(0.80, standings, "xgboost", 1.0, 0.5)
    assert not far_behind(0.89, standings, "xgboost", 1.0, 0.5)
    assert not far_behind(0.95, standings, "xgboost", 1.0, 0.5)
    errors = families(lightgbm=Standing("lightgbm", True, best=2.0))
    assert far_behind(5.0, errors, "xgboost", -1.0, 10.0)


def trial(number, scores, loss=None):
    return Trial(number=number, state="complete", params={}, choices={}, fold_scores=scores, first_loss=loss)


def test_a_trial_clearly_behind_the_third_is_out_and_a_close_one_is_not():
    folds = np.array([0.80, 0.85, 0.82, 0.84, 0.81])
    wiggle = 0.004 * np.array([1, -1, 1, -1, 0])
    race = Race([trial(n, tuple(folds - 0.001 * n + (-1) ** n * wiggle)) for n in range(4)], "roc_auc", 1.0)
    assert race.lost(list(folds[:2] - 0.03))
    assert not race.lost(list(folds[:2] - 0.002))
    assert not race.lost(list(folds - 0.03))  # nothing is saved after the last fold
    assert not Race([trial(0, tuple(folds))], "roc_auc", 1.0).lost([0.1])


def test_a_slow_learner_may_go_on_and_a_flat_curve_may_not():
    done = [trial(n, (0.8,), loss) for n, loss in enumerate((0.30, 0.31, 0.32))]
    slow = CurveBound(done, 100)
    assert not any(slow(step, 0.9 - 0.0065 * step) for step in range(100))
    flat = CurveBound(done, 100)
    assert any(flat(step, 0.6 + 0.2 * np.exp(-step)) for step in range(100)) and flat.stopped
    assert not any(CurveBound(done[:2], 100)(step, 0.9) for step in range(100))


def test_the_reserve_shrinks_when_models_can_soon_be_fitted_again():
    quick = [Standing("lightgbm", True, refit_s=1.0), Standing("xgboost", False, refit_s=1.5)]

    assert reserve(60, quick) == pytest.approx(1.25 * 2.5 + 2)
    assert reserve(60, [*quick, Standing("neural_network", False)]) == pytest.approx(1.25 * 2.5 * 1.5 + 2)
    assert reserve(60, [*quick, Standing("neural_network", True)]) == pytest.approx(1.25 * 2.5 + 2)
    assert reserve(60, [Standing("random_forest", True, refit_s=100.0)]) == reserve(60)


def test_a_fit_to_all_rows_is_reserved_for():
    quick = [Standing("lightgbm", False, refit_s=1.0), Standing("xgboost", True, refit_s=1.5)]
    assert reserve(60, quick, fits=2.4) == pytest.approx(2.4 * (reserve(60, quick) - 2) + 2)
    assert reserve(60, fits=2.4) == pytest.approx(1.7 * reserve(60))
    assert share("lightgbm", quick, 100, fits=2.4) < share("lightgbm", quick, 100)


def test_no_time_is_set_aside_for_a_family_that_an_ensemble_seldom_takes():
    standings = [Standing("lightgbm", True, best=0.90, refit_s=1.0), Standing("random_forest", True, best=0.885, refit_s=9.0)]

    assert not far_behind(0.885, standings, "random_forest", 1.0, 0.5)
    assert far_behind(0.885, standings, "random_forest", 1.0, 0.5, SELDOM_TAKEN)
    assert not far_behind(0.895, standings, "random_forest", 1.0, 0.5, SELDOM_TAKEN)


def test_time_is_set_aside_to_fit_what_leads_with_other_seeds():
    varying, forest = (Standing(name, True, best=0.9, refit_s=1.0, leads=True) for name in ("lightgbm", "random_forest"))
    assert reserve(60, [varying]) == pytest.approx(1.25 * 4 + 2) and reserve(60, [forest]) == pytest.approx(1.25 + 2)
    dear = Standing("lightgbm", True, best=0.9, refit_s=10.0, leads=True)
    # Where a tenth of the budget is not enough for one of these fits, none is thought of; it is here for two.
    assert reserve(60, [dear]) == pytest.approx(1.25 * 10 + 2)
    assert reserve(60, [replace(dear, refit_s=2.0)]) == pytest.approx(1.25 * 2 * 3 + 2)
