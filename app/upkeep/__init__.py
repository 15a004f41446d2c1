"""What a workspace gathers, what of it may go, and how it is taken away, saved and brought back."""
