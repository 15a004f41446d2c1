"""`plan_page`: the feature plan as a page for the dashboard, one line for each column with the reason."""

from __future__ import annotations

from switchyard.tabular.features.checks import NUMBERS
from switchyard.tabular.features.dates import PARTS
from switchyard.tabular.features.plan import ColumnPlan, FeaturePlan
from switchyard.tabular.features.preprocess import ONEHOT_UP_TO, TARGET_CLASSES
from switchyard.tabular.features.selection import METHODS
from switchyard.tabular.report import html


def plan_page(plan: FeaturePlan) -> str:
    """The page; the part on "auto" says what trees and the net make of it."""
    features = [column for column in plan.columns if column.role == "feature"]
    used = sum(column.use for column in features)
    lead = f"{used} of {len(features)} feature columns are used, {sum(item.use for item in plan.derived)} features are derived from them."
    sections = [
        ("Columns", _columns(plan)),
        ("Derived features", _derived(plan)),
        ("Whole table", _settings(plan)),
        ("Left to the family", _auto()),
    ]
    return html.page("Feature plan", [(heading, content) for heading, content in sections if content], lead)


def _columns(plan: FeaturePlan) -> str:
    needed = {name for item in plan.derived if item.use for name in item.needs}
    rows = []
    for column in plan.columns:
        state = ("used", "good") if column.use else ("derived from", "note") if column.name in needed else ("not used", "warn")
        becomes = _treatment(column, plan) if column.use else ""
        rows.append((column.name, column.kind, column.role, html.badge(*state), becomes, column.reason))
    return html.table(("column", "kind", "role", "", "becomes", "why"), rows)


def _treatment(column: ColumnPlan, plan: FeaturePlan) -> str:
    def setting(own: str, general: str) -> str:
        return own if own != "auto" else general

    if column.kind == "datetime":
        return ", ".join(part for part in PARTS if part in column.parts)
    if column.kind in NUMBERS:
        imputer, scaler = setting(column.imputer, plan.numeric_imputer), setting(column.scaler, plan.scaler)
        return f"a number; imputer: {imputer}, scaler: {scaler}"
    return f"encoder: {setting(column.encoder, plan.encoder)}, missing: {setting(column.imputer, plan.categorical_imputer)}"


def _derived(plan: FeaturePlan) -> str:
    if not plan.derived:
        return ""
    rows = [
        (item.name, item.expression, html.badge("used", "good") if item.use else html.badge("not used", "warn"), item.reason)
        for item in plan.derived
    ]
    return html.table(("feature", "expression", "", "why"), rows)


def _settings(plan: FeaturePlan) -> str:
    outliers, selection = plan.outliers, plan.selection
    acts = {"clip": "values moved onto the bounds, in the model", "flag": "flagged, in the model", "drop": "rows left out of training"}
    rows = []
    if outliers.method != "none":
        rows.append(("outliers", f"{outliers.method}: {acts[outliers.action]}"))
    if plan.interpolate:
        rows.append(("interpolation", f"gaps of training rows, along {plan.order_by or 'the order of rows'}"))
    if plan.interactions:
        pairs = f"products of the {plan.interactions} pairs of numbers most correlated with the target, chosen in each fold"
        rows.append(("interactions", pairs))
    if plan.polynomial > 1:
        rows.append(("polynomial", f"terms up to degree {plan.polynomial}"))
    if selection.method != "none":
        keep = f"{selection.keep:.0%}" if selection.keep < 1 else str(selection.keep)
        rows.append(("selection", f"{keep} of the encoded features, by {METHODS[selection.method]}, chosen in each fold"))
    return html.table(("step", "what it does"), rows) if rows else ""


def _auto() -> str:
    rows = (
        ("numeric imputer", "gaps stay gaps: each split sends them to the better side", "median, and a column that says where"),
        ("scaler", "none: splits do not depend on scale", "standard"),
        ("missing category", "a category of its own", "a category of its own"),
        (
            "encoder",
            f"one-hot up to {ONEHOT_UP_TO} categories, else cross-fitted target means (ordinal codes beyond {TARGET_CLASSES} classes)",
            "codes for entity embeddings",
        ),
    )
    return html.table(("auto", "tree families", "neural network"), rows)
