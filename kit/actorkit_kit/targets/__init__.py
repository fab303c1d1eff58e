"""The targets: each writes down, or runs, what a plan says."""
