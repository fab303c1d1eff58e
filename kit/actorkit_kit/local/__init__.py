"""From a plan to processes."""
