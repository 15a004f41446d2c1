"""Recommendation: who took what, and when, becomes a model that answers a history with the items that come next."""
