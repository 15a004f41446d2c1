"""Training of a recommender: from interactions to a registered, documented, comparable model."""

from __future__ import annotations

from zenml import pipeline

from steps.recommendation.compare_recommenders import compare_recommenders
from steps.recommendation.describe_recommender import describe_recommender
from steps.recommendation.document_recommender import document_recommender
from steps.recommendation.evaluate_recommender import evaluate_recommender
from steps.recommendation.fit_recommender import fit_recommender
from steps.recommendation.load_interactions import load_interactions
from steps.recommendation.register_recommender import register_recommender
from steps.recommendation.tune_recommenders import tune_recommenders
from switchyard.tabular.config.problem import Problem


@pipeline(name="recommendation")
def recommendation(problem: Problem, location: str, items_location: str, users_location: str = "", fresh: str = "") -> None:
    """From interactions to a registered, documented, comparable model.

    Parameters
    ----------
    problem : Problem
        As the user gave it; `load_interactions` settles what is left open.
    location, items_location, users_location : str
        Where the step reads the tables: the artifact store for local files, else the sources themselves; empty where there is
        none.
    fresh : str
        Differs where a search is wanted anew.
    """
    interactions, settled = load_interactions(problem, location, items_location, users_location)
    recipe = tune_recommenders(interactions, settled, fresh)
    evaluated, evaluation = evaluate_recommender(interactions, recipe, settled)
    bundle, parity = fit_recommender(interactions, recipe, settled)
    comparison, verdict = compare_recommenders(interactions, evaluated, bundle, evaluation, settled)
    reference = describe_recommender(interactions, evaluated, bundle, settled)
    documents = document_recommender(settled, interactions, recipe, bundle, evaluation, comparison, verdict)
    register_recommender(
        problem=settled,
        interactions=interactions,
        recipe=recipe,
        evaluated=evaluated,
        bundle=bundle,
        parity=parity,
        evaluation=evaluation,
        comparison=comparison,
        verdict=verdict,
        reference=reference,
        documents=documents,
    )
