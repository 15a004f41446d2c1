"""From raw columns to the numbers a model learns from: planned once, fitted inside each fold."""
