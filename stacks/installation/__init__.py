"""Installing the stack `kubernetes` in a cluster: manifests, secrets, addresses, checks, registration."""
