"""`plan`: how many entities an experiment needs, and how long that takes at the traffic seen so far, as far as either is known."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from switchyard.monitoring.experiment import sample_size
from switchyard.monitoring.experiment.losses import Measure
from switchyard.monitoring.experiment.observations import Observations
from switchyard.monitoring.experiment.verdict import minimum_effect
from switchyard.tabular.config.production import ExperimentConfig
from switchyard.tabular.storable import Fact, Record

FEWEST = 50
"""Entities with a label before their losses tell a variance."""
LEAST = timedelta(hours=1)
"""Shortest span of predictions before they tell how many come in a day."""


class Plan(Record):
    """What an experiment needs. Nothing is set where nothing is known."""

    measure: str = ""
    share: float = 0.0
    effect: float | None = None
    entities: int | None = None
    """Both arms, for a test that may be looked at at any time."""
    fixed: int | None = None
    """Both arms, for one look at the end."""
    labelled_per_day: float | None = None
    """Entities."""
    days: float | None = None
    source: str = ""
    """Where the variance is from."""

    def sentence(self) -> str:
        """The plan in a sentence for people."""
        if self.entities is None:
            return f"how many entities it needs is not known: no labels yet to tell the spread of the {self.measure}"
        needs = (
            f"{self.entities:,} entities with a label in both arms show {self.effect:.3g} of {self.measure} at any look "
            f"({self.fixed:,} in one look at the end), by {self.source}"
        )
        if self.days is None:
            return f"{needs}; how long that takes is not known before predictions with an entity id have come for an hour"
        return f"{needs}; about {self.days:,.1f} days at {self.labelled_per_day:,.0f} such entities a day"

    def metadata(self) -> dict[str, Fact]:
        return {
            name: value for name, value in (("entities", self.entities), ("fixed", self.fixed), ("days", self.days)) if value is not None
        }


def plan(
    measure: Measure,
    share: float,
    config: ExperimentConfig,
    observations: Observations | None,
    champion: str,
    covered: timedelta,
    accuracy: float | None,
) -> Plan:
    """Plan an experiment.

    Parameters
    ----------
    measure : Measure
    share : float
        The candidate's, at the last step of its ramp.
    config : ExperimentConfig
    observations : Observations, optional
        Of the champion before the experiment.
    champion : str
        Its version.
    covered : timedelta
        How long they were gathered.
    accuracy : float, optional
        Of the champion on its holdout, which stands in for labels where the measure is accuracy.
    """
    values = observations.values(champion) if observations else np.empty(0)
    found = Plan(measure=measure.title, share=share)
    if len(values) >= FEWEST:
        base, variance, source = float(values.mean()), float(values.var(ddof=1)), f"{len(values):,} labelled entities of version {champion}"
    elif accuracy is not None and measure.name == "accuracy":
        base, variance, source = 1 - accuracy, accuracy * (1 - accuracy), f"the holdout's accuracy of {accuracy:.3f}"
    else:
        return found
    effect = minimum_effect(config, measure, base)
    if effect is None:
        return found
    variance = max(variance, 1e-12 if not measure.unit else 1e-4)
    sizes = {"alpha": config.alpha, "power": config.power, "share": share}
    entities = sample_size.sequential((variance, variance), effect, **sizes)
    fixed = sample_size.fixed((variance, variance), effect, **sizes)
    per_day = _per_day(observations, champion, len(values), covered)
    return found.model_copy(
        update={
            "effect": effect,
            "entities": entities,
            "fixed": fixed,
            "labelled_per_day": per_day,
            "days": entities / per_day if per_day else None,
            "source": source,
        }
    )


def _per_day(observations: Observations | None, champion: str, labelled: int, covered: timedelta) -> float | None:
    """Entities a day; where no label has come yet, as if every one got its label."""
    if observations is None or covered < LEAST:
        return None
    entities = labelled or observations.tallies[champion].entities
    return entities / (covered / timedelta(days=1)) if entities else None
