"""Groups of rows that belong together: found, tried for whether they are there at all, and described."""
