"""What a column means: its values, its kind and its role, decided from the whole of it."""
