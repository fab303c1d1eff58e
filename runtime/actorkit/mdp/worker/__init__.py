"""A MajorDomo worker (RFC 7/MDP, RFC 18/MDP)."""
