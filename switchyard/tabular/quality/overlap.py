"""Rows and entities on both sides of the split: the holdout must not repeat what was learnt from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.tables.copies import compared, find_copies
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import digest_rows


def check_overlap(split: Split, problem: Problem) -> Iterator[Finding]:
    """Holdout rows whose content, or whose entity or group, is also in the training part."""
    action = action_for(problem, "split_overlap")
    # The same row a month later is still the same row: neither its time nor its name makes it new.
    names = compared(split.schema, "time")
    same = np.isin(digest_rows(split.holdout[names]), digest_rows(split.train[names]))
    # Where rows are cut one by one, `check_duplicates` has said it.
    said = action == "warn" and split.kind == "random" and problem.data.entity_column is None and split.schema.time is None
    whole = pd.concat([split.train, split.holdout], ignore_index=True)
    if same.any() and not said and find_copies(whole, split.schema, "time").fault:
        yield Finding(
            check="split_overlap",
            action=action,
            measured=float(same.mean()),
            limit=0,
            message=(
                f"{int(same.sum()):,} of {len(same):,} holdout rows ({same.mean():.2%}) repeat a training row in every column but time and"
                " id, so the holdout flatters the model; remove repeated rows at the source, or set data.entity_column and split.kind:"
                " random or group"
            ),
        )
    owners = dict.fromkeys(name for name in (problem.data.entity_column, split.schema.group and split.schema.group.name) if name)
    for owner in owners:
        if owner not in split.train:
            continue
        shared = split.holdout[owner].isin(split.train[owner].dropna()).to_numpy()
        if shared.any():
            yield Finding(
                check="split_overlap",
                column=owner,
                action=action,
                measured=float(shared.mean()),
                limit=0,
                message=(
                    f"{int(shared.sum()):,} of {len(shared):,} holdout rows ({shared.mean():.1%}) are about a {owner!r} that is also in the"
                    " training part; set split.kind: group if the model must do without having seen it"
                ),
            )
