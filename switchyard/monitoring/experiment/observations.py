"""`observe`: from a window of the prediction log to one value for each entity and arm.

The unit is the entity, as the split is: rows of one entity depend on one another, and a test that took them for
independent would find winners in noise. An entity counts once, with the mean over its labelled rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from switchyard.monitoring.experiment.losses import MEASURES, Measure, is_positive, pair_losses
from switchyard.predictionlog.records import INPUT, PROBABILITY
from switchyard.tabular.errors import InputError
from switchyard.tabular.storable import Fact, Storable

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Tally:
    """Rows of one arm."""

    rows: int = 0
    without_entity: int = 0
    """Left out: nobody knows whom they were about, so they were split by request."""
    labelled: int = 0
    entities: int = 0
    """Entities with a label or without, those that both arms answered included."""


@dataclass
class Observations(Storable):
    """What both arms have shown so far."""

    measured: str
    """Name of the measure, of `MEASURES`."""
    tallies: dict[str, Tally]
    """By version."""
    version: np.ndarray
    """Version of each labelled row with an entity, shape (n,); so are the other arrays."""
    entity: np.ndarray
    """Integer codes."""
    time: np.ndarray
    """When the label came, epoch seconds."""
    loss: np.ndarray
    """The loss, or the score of a measure of pairs."""
    positive: np.ndarray
    business_version: np.ndarray
    business_entity: np.ndarray
    business: np.ndarray
    """Values of all rows with an entity and a value, labelled or not."""
    crossed: int = 0
    """Entities left out since both versions answered them."""

    @property
    def measure(self) -> Measure:
        """How a row's loss came about."""
        return MEASURES[self.measured]

    def values(self, version: str, until: float = np.inf) -> np.ndarray:
        """The loss of each entity of `version` by the labels that had come at `until`; shape (n_entities,), empty of none."""
        taken = (self.version == version) & (self.time <= until)
        entity, loss = self.entity[taken], self.loss[taken]
        if not self.measure.pairs:
            return _means(entity, loss)
        positive = self.positive[taken] == 1
        if not positive.any() or positive.all():
            return np.empty(0)
        rows = np.bincount(entity)
        weights = 1 / rows[entity]
        return _means(entity, pair_losses(loss, positive, weights))

    def business_values(self, version: str) -> np.ndarray:
        """The business value of each entity of `version`."""
        taken = self.business_version == version
        return _means(self.business_entity[taken], self.business[taken])

    def write(self, folder: Path) -> None:
        about = {"measure": self.measured, "crossed": self.crossed, "tallies": {name: asdict(own) for name, own in self.tallies.items()}}
        (folder / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(
            folder / "rows.npz", **{name: values.astype(str) if values.dtype == object else values for name, values in arrays.items()}
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        tallies = {name: Tally(**own) for name, own in about["tallies"].items()}
        with np.load(folder / "rows.npz", allow_pickle=False) as arrays:
            return cls(about["measure"], tallies, **{name: arrays[name] for name in _ARRAYS}, crossed=about["crossed"])

    def metadata(self) -> dict[str, Fact]:
        return {f"{what} of version {name}": value for name, own in self.tallies.items() for what, value in asdict(own).items()}

    @property
    def times(self) -> np.ndarray:
        """Moments at which labels came, rising."""
        return np.unique(self.time)


_ARRAYS = ("version", "entity", "time", "loss", "positive", "business_version", "business_entity", "business")
_COLUMNS = ("version", "entity", "loss", "positive", "time", "business")


def observe(
    frames: Iterable[pd.DataFrame],
    versions: tuple[str, str],
    measure: Measure,
    classes: tuple[str, ...],
    positive: str | None,
    business: Callable[[pd.DataFrame], np.ndarray] | None = None,
) -> Observations:
    """Read both arms' rows.

    Parameters
    ----------
    frames : iterable of DataFrame
        As `switchyard.predictionlog.read_window` yields them.
    versions : (str, str)
        Candidate and champion; rows of others are passed over.
    measure : Measure
    classes : tuple of str
        Of the model, empty for a regression.
    positive : str, optional
        The positive class of a binary model.
    business : callable, optional
        A value for each row of a frame, NaN where it has none.
    """
    import pandas as pd

    tallies = {version: Tally() for version in versions}
    entities: dict[str, set[str]] = {version: set() for version in versions}
    parts: list[pd.DataFrame] = []
    for frame in frames:
        frame = frame[frame["version"].isin(versions)]
        if frame.empty:
            continue
        part = _measured(frame, measure, classes, positive, business)
        for version, tally in tallies.items():
            own = part[part["version"] == version]
            named = own["entity"].notna()
            tally.rows += len(own)
            tally.without_entity += int((~named).sum())
            tally.labelled += int((named & own["loss"].notna()).sum())
            entities[version].update(own.loc[named, "entity"])
        parts.append(part[part["entity"].notna() & (part["loss"].notna() | part["business"].notna())])
    for version, tally in tallies.items():
        tally.entities = len(entities[version])
    crossed = set.intersection(*entities.values())
    empty = pd.DataFrame({name: [] for name in _COLUMNS})
    rows = pd.concat(parts, ignore_index=True) if parts else empty
    rows = rows[~rows["entity"].isin(crossed)]
    codes = pd.factorize(rows["entity"])[0]
    scored, valued = rows["loss"].notna().to_numpy(), rows["business"].notna().to_numpy()
    return Observations(
        measured=measure.name,
        tallies=tallies,
        version=rows["version"].to_numpy()[scored],
        entity=codes[scored],
        time=rows["time"].to_numpy(dtype=float)[scored],
        loss=rows["loss"].to_numpy(dtype=float)[scored],
        positive=rows["positive"].to_numpy(dtype=float)[scored],
        business_version=rows["version"].to_numpy()[valued],
        business_entity=codes[valued],
        business=rows["business"].to_numpy(dtype=float)[valued],
        crossed=len(crossed),
    )


def _measured(
    frame: pd.DataFrame,
    measure: Measure,
    classes: tuple[str, ...],
    positive: str | None,
    business: Callable[[pd.DataFrame], np.ndarray] | None,
) -> pd.DataFrame:
    """Of each row of `frame` who it was about, which version answered, when its label came (epoch seconds) and what it is worth."""
    import pandas as pd

    values = (
        frame["version"].to_numpy(),
        frame["entity_id"].to_numpy(),
        measure.function(frame, classes, positive),
        is_positive(frame, classes, positive) if measure.pairs else np.zeros(len(frame)),
        frame["actual_time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9,
        business(frame) if business else np.full(len(frame), np.nan),
    )
    return pd.DataFrame(dict(zip(_COLUMNS, values, strict=True)))


def business_value(text: str, classes: tuple[str, ...], positive: str | None) -> Callable[[pd.DataFrame], np.ndarray]:
    """The function of `experiment.guardrails.business.value`.

    Names are the requests' columns, and label and actual (1 for the positive class, 0 for others, NaN where unknown; of
    a regression actual is the number), score (probability of the positive class) and prediction.

    Raises
    ------
    InputError
        Now, where it is no expression; when called, where it names a column that the log has not, or one of words.
    """
    import pandas as pd

    from switchyard.tabular.features.expressions import parse
    from switchyard.tabular.features.operators import apply

    place = "experiment.guardrails.business.value"
    expression = parse(text, place)

    def column(frame: pd.DataFrame, name: str) -> np.ndarray:
        if name in ("label", "actual") and classes:
            return np.where(frame[name].isin(classes), (frame[name] == positive).to_numpy().astype(float), np.nan)
        if name == "score":
            name = f"{PROBABILITY}{positive}"
        elif name not in ("actual", "prediction"):
            name = f"{INPUT}{name}"
        if name not in frame:
            known = ", ".join(sorted(other.removeprefix(INPUT) for other in frame if other.startswith(INPUT)))
            raise InputError(f"{place}: the prediction log has no column {name.removeprefix(INPUT)!r}; it has {known}")
        values = pd.to_numeric(frame[name], errors="coerce")
        if values.isna().all() and frame[name].notna().any():
            raise InputError(f"{place}: column {name.removeprefix(INPUT)!r} holds words, no numbers")
        return values.to_numpy(dtype=float)

    def value(frame: pd.DataFrame) -> np.ndarray:
        columns = {name: column(frame, name) for name in expression.columns}
        return np.broadcast_to(np.asarray(expression.compute(apply, columns), dtype=float), (len(frame),))

    return value


def _means(entity: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of `values` for each entity that has any."""
    if not len(values):
        return np.empty(0)
    rows = np.bincount(entity)
    return (np.bincount(entity, weights=values)[rows > 0]) / rows[rows > 0]
