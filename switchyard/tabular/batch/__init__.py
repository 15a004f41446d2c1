"""Scoring of whole tables: read in chunks, checked before anything is written, memory flat in the number of rows."""
