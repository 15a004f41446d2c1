"""The `Monitoring` section of the config: what is held against a model in production, and who is told."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from switchyard.tabular.config.names import check_channel
from switchyard.tabular.config.section import Count, Section, Share

Action = Literal["nothing", "alert", "retrain"]
_SPAN = re.compile(r"([1-9]\d{0,7})(m|h|d|w)?")
_TESTS = frozenset(("numeric_small", "categorical_small"))
_WEB = re.compile(r"https?://[^/?#\s]")
_LONGEST_DAYS = 36_500
_DAYS = {"m": 1 / 1440, "h": 1 / 24, "d": 1, "w": 7}


class Channel(Section):
    """Where alerts go. A value may be a reference into the ZenML secret store: {{secret.key}}."""

    kind: str = Field(description="console, slack, webhook, email, or one of a plugin.")
    url: str | None = Field(None, description="slack, webhook: where to post.")
    headers: dict[str, str] = Field(default_factory=dict, description="webhook: sent with the request.")
    host: str | None = Field(None, description="email: the SMTP server.")
    port: PositiveInt | None = Field(None, le=65_535, description="email: 587 by default, 465 with security: tls.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="email: none only for a server on loopback.")
    user: str | None = Field(None, description="email: for the server; none where it asks for none.")
    password: str | None = Field(None, description="email: a reference into the secret store.")
    sender: str | None = Field(None, description="email: the address that mails come from.")
    to: tuple[str, ...] = Field((), description="email: who gets them.")
    options: dict[str, str] = Field(default_factory=dict, description="A plugin's channel: whatever it asks for.")
    timeout_s: PositiveFloat = Field(10.0, le=3600, description="For one attempt.")
    attempts: PositiveInt = Field(3, le=100, description="Before it is called failed.")
    idempotent: bool = Field(
        False,
        description="The receiver drops what it has by the alert's key (webhook: Idempotency-Key, email: Message-ID):"
        " an alert of which nobody knows whether it arrived is sent again.",
    )

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        # What a reference stands for is looked at when the alert is sent.
        if url is not None and "{{" not in url and not _WEB.match(url):
            raise ValueError("must begin with https:// or http:// and name a host, or be a reference: {{secret.key}}")
        return url


class Actions(Section):
    """What each rule asks for when its threshold is crossed; the strongest wins."""

    performance_floor: Action = Field("retrain", description="The score is under the floor (an error above the ceiling).")
    performance_drop: Action = Field("retrain", description="Too much of the holdout score is lost.")
    drift_share: Action = Field("alert", description="Too many columns drift in this window.")
    repeated_drift: Action = Field("retrain", description="Too many of the last windows drifted.")
    data_quality: Action = Field("alert", description="Values are missing, new or out of range.")
    refused_requests: Action = Field("alert", description="Too many requests are refused.")
    unlike_rows: Action = Field("alert", description="Clustering: too many rows are unlike all groups.")


class Methods(Section):
    """Evidently's distances by kind of column: how far a column must be from the reference to be called drift, and how far it is."""

    numeric_large: Literal["wasserstein", "psi", "jensenshannon", "hellinger", "kl_div"] = Field("wasserstein", description="Of numbers.")
    categorical_large: Literal["jensenshannon", "psi", "hellinger", "TVD", "kl_div"] = Field("jensenshannon", description="Of categories.")

    @model_validator(mode="before")
    @classmethod
    def _without_tests(cls, given: Any) -> Any:
        # Versions of before hold the names of Evidently's tests, which are not chosen any more: their level did not hold.
        return {key: value for key, value in given.items() if key not in _TESTS} if isinstance(given, dict) else given


def check_span(window: str) -> None:
    """Whether `window` is a span of time or a number of rows, as config and command line write them; ValueError says what it must be."""
    if not _SPAN.fullmatch(window):
        raise ValueError("use a number of rows, as in 2000, or a time, as in 30m, 12h, 7d or 2w")
    if window[-1] in _DAYS and int(window[:-1]) * _DAYS[window[-1]] > _LONGEST_DAYS:
        raise ValueError(f"a window lasts {_LONGEST_DAYS:,} days at most")


class Monitoring(Section):
    """What is held against a model in production."""

    of: Literal["auto", "requests", "tables"] = Field(
        "auto",
        description="Predictions looked at: those of requests, of tables (inference), or (auto) of requests where the window has min_rows"
        " of them or no fewer than of tables, else of tables.",
    )
    window: str = Field("7d", description="Of predictions: a time (30m, 12h, 7d, 2w) up to the newest prediction, or the last rows (2000).")
    min_rows: Count = Field(100, description="Below this many predictions drift is not judged and no score estimated.")
    min_labels: Count = Field(100, description="Below this many labels the score is estimated, not measured.")
    sample_rows: Annotated[int, Field(ge=1000, le=10_000_000)] = Field(
        50_000, description="Rows of a window looked at; larger windows are sampled."
    )
    performance_floor: float | None = Field(0.8, description="For scores (more is better): the least the metric may be.")
    error_ceiling: PositiveFloat | None = Field(None, description="For errors (log_loss, brier, rmse, mae): the most the metric may be.")
    relative_drop: Share = Field(0.05, description="Share of the holdout score that may be lost.")
    confidence: Share = Field(0.99, description="One-sided, of the performance rules: how sure it must be that a limit is crossed.")
    drift_share: Share = Field(0.1, description="Share of the columns, by their weight in the model, that may drift.")
    weighted: bool = Field(True, description="Weigh each column by its importance in the model; false: all alike.")
    methods: Methods = Methods()
    p_value: Share = Field(0.01, description="Chance that any column of a window without drift is called drifting (Holm).")
    p_at_once: Share = Field(
        1e-6,
        description="Adjusted p-value below which drift counts at once; above, if the window before (sharing no row) had it too.",
    )
    small_sample: Count = Field(1000, description="From this many rows on the distance must be over its limit too.")
    distance: PositiveFloat = Field(0.1, description="From this distance on a difference is large enough to be drift.")
    distances: dict[str, PositiveFloat] = Field(default_factory=dict, description="Column -> distance, where it is not the common one.")
    windows: PositiveInt = Field(5, le=1000, description="Windows that the rule repeated_drift looks back at, this one included.")
    repeats: PositiveInt = Field(3, description="Of them, how many may drift before it applies.")
    missing_rise: Share = Field(0.05, description="By how much a column's share of missing values may rise.")
    unseen_share: Share = Field(0.02, description="Share of values in categories that training never saw.")
    outside_share: Share = Field(0.02, description="Share of values outside the range of training, widened by a tenth on either side.")
    quality_columns: NonNegativeInt = Field(0, description="Columns that may break an expectation or one of the three limits above.")
    refused_share: Share = Field(0.05, description="Share of the requests since the last window that may be refused (400 and its kin).")
    unlike_share: Share = Field(0.05, description="Clustering: share of a window's rows that may be unlike all groups.")
    actions: Actions = Actions()
    channels: tuple[Channel, ...] = (Channel(kind="console"),)
    link: str = Field("", description="URL of the dashboard, put into alerts.")
    settle_s: NonNegativeFloat = Field(15.0, le=3600, description="How long to wait for answers that are not in the prediction log yet.")

    @field_validator("window")
    @classmethod
    def _is_span(cls, window: str) -> str:
        check_span(window)
        return window

    @field_validator("channels")
    @classmethod
    def _known_channels(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        for channel in channels:
            check_channel(channel.kind)
        return channels

    @model_validator(mode="after")
    def _repeats_fit(self) -> Monitoring:
        if self.repeats > self.windows:
            raise ValueError(f"repeats is {self.repeats}, more than the {self.windows} windows looked at")
        return self
