"""What runs, wherever it runs: found, looked at, changed and ended by the same questions."""
