"""The `Monitoring` section of the config: what is held against a model in production, and who is told."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from switchyard.tabular.config.section import Section, Share

Action = Literal["nothing", "alert", "retrain"]
_SPAN = re.compile(r"([1-9]\d*)(m|h|d|w)?")


class Channel(Section):
    """Where alerts go. A value may be a reference into the ZenML secret store: {{secret.key}}."""

    kind: str = Field(description="console, slack, webhook or email.")
    url: str | None = Field(None, description="slack, webhook: where to post.")
    headers: dict[str, str] = Field(default_factory=dict, description="webhook: sent with the request.")
    host: str | None = Field(None, description="email: the SMTP server.")
    port: PositiveInt | None = Field(None, description="email: 587 by default, 465 with security: tls.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="email: none only for a server on loopback.")
    user: str | None = Field(None, description="email: for the server; none where it asks for none.")
    password: str | None = Field(None, description="email: a reference into the secret store.")
    sender: str | None = Field(None, description="email: the address that mails come from.")
    to: tuple[str, ...] = Field((), description="email: who gets them.")
    timeout_s: PositiveFloat = 10.0
    attempts: PositiveInt = 3
    idempotent: bool = Field(
        False,
        description="The receiver drops what it has by the alert's key (webhook: Idempotency-Key, email: Message-ID):"
        " an alert of which nobody knows whether it arrived is sent again.",
    )


class Actions(Section):
    """What each rule asks for when its threshold is crossed; the strongest wins."""

    performance_floor: Action = "retrain"
    performance_drop: Action = "retrain"
    drift_share: Action = "alert"
    repeated_drift: Action = "retrain"
    data_quality: Action = "alert"


class Methods(Section):
    """Evidently's drift methods by kind of column and size of the smaller sample."""

    numeric_small: Literal["ks", "anderson", "mannw", "cramer_von_mises", "t_test"] = "ks"
    numeric_large: Literal["wasserstein", "psi", "jensenshannon", "hellinger", "kl_div"] = "wasserstein"
    categorical_small: Literal["chisquare", "g_test"] = "chisquare"
    categorical_large: Literal["jensenshannon", "psi", "hellinger", "TVD", "kl_div"] = "jensenshannon"


class Monitoring(Section):
    """What is held against a model in production."""

    window: str = Field("7d", description="Of predictions: a time (30m, 12h, 7d, 2w) up to the newest prediction, or the last rows (2000).")
    min_rows: PositiveInt = Field(100, description="Below this many predictions drift is not judged and no score estimated.")
    min_labels: PositiveInt = Field(100, description="Below this many labels the score is estimated, not measured.")
    sample_rows: Annotated[int, Field(ge=1000)] = Field(50_000, description="Rows of a window looked at; larger windows are sampled.")
    performance_floor: float | None = Field(0.8, description="For scores (more is better): the least the metric may be.")
    error_ceiling: PositiveFloat | None = Field(None, description="For errors (log_loss, brier, rmse, mae): the most the metric may be.")
    relative_drop: Share = Field(0.05, description="Share of the holdout score that may be lost.")
    confidence: Share = Field(0.99, description="One-sided, of the performance rules: how sure it must be that a limit is crossed.")
    drift_share: Share = Field(0.1, description="Share of the columns, by their weight in the model, that may drift.")
    weighted: bool = Field(True, description="Weigh each column by its importance in the model; false: all alike.")
    methods: Methods = Methods()
    small_sample: PositiveInt = Field(1000, description="From this many rows on, distances are measured instead of p-values.")
    p_value: Share = Field(0.05, description="False discovery rate over all columns (Benjamini-Hochberg), for the small methods.")
    distance: PositiveFloat = Field(0.1, description="From this distance on a column drifts, for the large methods.")
    distances: dict[str, PositiveFloat] = Field(default_factory=dict, description="Column -> distance, where it is not the common one.")
    windows: PositiveInt = Field(5, description="Windows that the rule repeated_drift looks back at, this one included.")
    repeats: PositiveInt = Field(3, description="Of them, how many may drift before it applies.")
    missing_rise: Share = Field(0.05, description="By how much a column's share of missing values may rise.")
    unseen_share: Share = Field(0.02, description="Share of values in categories that training never saw.")
    outside_share: Share = Field(0.02, description="Share of values outside the range of training, widened by a tenth on either side.")
    quality_columns: NonNegativeInt = Field(0, description="Columns that may break an expectation or one of the three limits above.")
    actions: Actions = Actions()
    channels: tuple[Channel, ...] = (Channel(kind="console"),)
    link: str = Field("", description="URL of the dashboard, put into alerts.")
    settle_s: NonNegativeFloat = Field(15.0, description="How long to wait for answers that are not in the prediction log yet.")

    @field_validator("window")
    @classmethod
    def _is_span(cls, window: str) -> str:
        if not _SPAN.fullmatch(window):
            raise ValueError("use a number of rows, as in 2000, or a time, as in 30m, 12h, 7d or 2w")
        return window

    @model_validator(mode="after")
    def _repeats_fit(self) -> Monitoring:
        if self.repeats > self.windows:
            raise ValueError(f"repeats is {self.repeats}, more than the {self.windows} windows looked at")
        return self
