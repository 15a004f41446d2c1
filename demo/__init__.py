"""`make demo`: a year in the life of a model, told in ten minutes, by the commands that users type."""
