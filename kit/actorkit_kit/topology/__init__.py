"""From a YAML file or a Director to a checked topology."""
