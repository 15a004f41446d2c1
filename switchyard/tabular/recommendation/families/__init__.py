"""The families of recommenders; one of them is one module, named here."""

from switchyard.parts import Parts
from switchyard.tabular.recommendation.families.base import Recommender

RECOMMENDERS = Parts(
    Recommender,
    (
        "switchyard.tabular.recommendation.families.popularity",
        "switchyard.tabular.recommendation.families.segments",
        "switchyard.tabular.recommendation.families.neighbours",
        "switchyard.tabular.recommendation.families.ease",
        "switchyard.tabular.recommendation.families.factorization",
        "switchyard.tabular.recommendation.families.ranking",
        "switchyard.tabular.recommendation.families.attributes",
    ),
)

__all__ = ["RECOMMENDERS", "Recommender"]
