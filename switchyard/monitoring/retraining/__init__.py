"""Retraining on a decision: the ledger that says whether and how far, and the rows to train on."""
