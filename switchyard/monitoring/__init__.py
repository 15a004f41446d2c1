"""What happens to a model after the day it was deployed: drift, live performance, decisions, experiments, alerts; a plain library."""
