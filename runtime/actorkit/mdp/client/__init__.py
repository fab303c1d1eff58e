"""A MajorDomo client (RFC 7/MDP)."""
