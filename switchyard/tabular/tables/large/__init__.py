"""Tables larger than memory: a sample that is looked at and searched on, and the rest on disk, which the last fit learns from besides."""
