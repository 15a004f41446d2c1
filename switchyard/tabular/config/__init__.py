"""The config: one typed object for each section of a YAML file in `configs/`."""
