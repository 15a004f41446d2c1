"""A Kubernetes cluster as stacks see it: the client, what is wrong with pods, waiting, contexts, the Jobs of a run, schedules."""
