"""A Kubernetes cluster as stacks see it: contexts, the Jobs of a run, schedules, waiting."""
