"""Steps of the experiment pipeline, and the planning of one."""
