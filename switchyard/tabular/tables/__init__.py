"""Tables: how they are read and typed, the schema, the split and the folds."""
