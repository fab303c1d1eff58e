"""What an operator sees of a process: logs, metrics, and the admin server."""
