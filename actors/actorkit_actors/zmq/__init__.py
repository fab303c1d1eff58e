"""ZeroMQ peers of others: what speaks ZeroMQ, and not the protocol of an edge."""
