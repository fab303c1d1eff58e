"""From a plan to a Docker Engine or a cluster."""
