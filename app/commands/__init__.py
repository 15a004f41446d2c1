"""The commands of run.py, one module each: its options, what it would run (`plan`), what it does (`run`)."""

NAMES = (
    "init",
    "look",
    "training",
    "compare",
    "deployment",
    "inference",
    "labels",
    "monitoring",
    "experiment",
    "retraining",
    "status",
    "logs",
    "stop",
    "start",
    "restart",
    "service",
    "verify",
    "keys",
    "stack",
    "dashboard",
    "prometheus",
    "doctor",
    "upgrade",
)
"""As the help lists them; the module of a name has its `COMMAND`."""
