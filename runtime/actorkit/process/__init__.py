"""The main functions of processes."""
