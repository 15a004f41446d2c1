"""Steps of the training of a recommender."""
