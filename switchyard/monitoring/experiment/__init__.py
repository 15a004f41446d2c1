"""A/B tests and canaries: how many entities are needed, a test that may be looked at whenever one likes, guardrails, and the verdict."""
