"""The application: what a person types (`commands/`, one module a command), how a run is started and watched, what is printed."""
