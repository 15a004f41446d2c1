"""The model deployer: one ZenML flavor, one interface (`host.Host`), a host for each kind of place that services run in."""
