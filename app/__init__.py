"""The application: what a person types, one module a command, and what is printed."""
