"""The shop's own code."""
