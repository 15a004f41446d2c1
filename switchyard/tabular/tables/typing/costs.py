"""Costs of errors held against the classes that there are, and said by their names."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.config.learning import Costs
from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.typing.targets import Target


def said_costs(costs: Costs, target: Target, positive: str | None, name: str) -> str:
    """Which mistake costs what, by the names of the classes: a positive class that is the other one turns them around.

    Raises
    ------
    InputError
        Where the costs are those of another task or of other classes, or of some of them only.
    """
    if target.task not in ("binary", "multiclass"):
        raise InputError(f"costs are of the errors of a classification, and the task of {name!r} is {target.task}; remove costs")
    if target.task == "multiclass":
        return _of_several(costs, np.unique(target.values.astype(str)).tolist(), name)
    if costs.matrix:
        raise InputError(
            f"costs.matrix is of three classes or more, and {name!r} has two: costs.false_negative is what missing a {positive!r} costs, "
            f"costs.false_positive what calling another row {positive!r} costs"
        )
    missed, called = (_money(cost, costs) for cost in (costs.false_negative, costs.false_positive))
    follows = f"an answer pays from a probability of {costs.break_even:.4g} on"
    return f"missing a {positive!r} of {name!r} costs {missed}, calling another row {positive!r} costs {called}: {follows}"


def _of_several(costs: Costs, classes: list[str], name: str) -> str:
    if not costs.matrix:
        raise InputError(
            f"costs.false_positive and costs.false_negative are of two classes, and {name!r} has {len(classes)}; "
            "say in costs.matrix, by true class, what each other class costs as the answer"
        )
    for true, row in costs.matrix.items():
        for label in (true, *row):
            if label not in classes:
                place = "costs.matrix" if label == true else f"costs.matrix.{true}"
                raise InputError(f"{place}: {label!r} is no class of target {name!r}{did_you_mean(label, classes)}")
        if row.get(true):
            raise InputError(f"costs.matrix.{true}.{true}: a right answer costs nothing; remove it (got {row[true]:.10g})")
    if missing := [true for true in classes if true not in costs.matrix]:
        raise InputError(f"costs.matrix has no row for {_listed(missing)} of target {name!r}; say what each other answer costs there")
    for true in classes:
        if missing := [label for label in classes if label != true and label not in costs.matrix[true]]:
            raise InputError(f"costs.matrix.{true} does not say what answering {_listed(missing)} costs where it is {true!r}")
    table = costs.by_class(tuple(classes))
    if not table.any():
        raise InputError("costs.matrix: every answer costs nothing, which decides nothing; remove it, or say what errors cost")
    row_at, at = divmod(int(table.argmax()), len(classes))
    dearest = f"answering {classes[at]!r} where it is {classes[row_at]!r} costs {_money(table.max(), costs)}, the most"
    return f"{dearest}: of each row of {name!r} that class is answered whose cost is expected to be the least"


def _money(cost: float | None, costs: Costs) -> str:
    return f"{cost:,.10g} {costs.unit}".rstrip()


def _listed(labels: list[str]) -> str:
    return ", ".join(map(repr, labels[:5])) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
