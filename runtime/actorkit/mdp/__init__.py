"""MajorDomo (RFC 7/MDP, 8/MMI, 18/MDP 0.2): the broker, and clients and workers for it."""
