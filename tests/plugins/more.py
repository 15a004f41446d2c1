"""A source, a channel, an encoder and a feature function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from switchyard.monitoring.alerts.channels import AlertChannel, ChannelError
from switchyard.tabular.features.categories import CategoryCodes
from switchyard.tabular.features.encoders import Encoder
from switchyard.tabular.features.functions import Function
from switchyard.tabular.features.operators import DOUBLE
from switchyard.tabular.tables.reading.source import Source


class Waves(Source):
    """`waves:ROWS`, a table out of thin air."""

    name = "waves"

    def frame(self, data):
        x = np.arange(int(data.source.removeprefix("waves:")))
        return pd.DataFrame({"x": x, "y": np.where(np.sin(x) > 0, "up", "down")})


class Log(AlertChannel):
    """Appends to the file that its option `path` names."""

    name = "logfile"
    needs = ("options",)

    def deliver(self, alert, channel):
        try:
            with Path(channel.options["path"]).open("a") as file:
                file.write(alert.title + "\n")
        except OSError as error:
            raise ChannelError(f"cannot write: {error.strerror}", lasting=True) from None


class Counts(CategoryCodes):
    """How often a category was seen in training; 0 for one that was not."""

    def learn(self, X, y):
        super().learn(X, y)
        self.table_ = [[float(sum(column == category)) for category in kept] + [0.0] for column, kept in zip(X.T, self.categories_)]

    def compute(self, op, x):
        codes = super().compute(op, x)
        offsets = np.cumsum([0, *map(len, self.table_[:-1])])
        found = op("Gather", np.concatenate(self.table_), op("Add", codes, offsets))
        return op("Cast", found, to=DOUBLE)


class CountEncoder(Encoder):
    """Encoder `count`."""

    name = "count"

    def steps(self, missing, plan, order):
        return [("counts", Counts(missing=missing))]


PARTS = (Waves(), Log(), CountEncoder(), Function("square", 1, lambda op, value: op("Mul", value, value)))
