"""A MajorDomo worker (RFC 7/MDP, RFC 18/MDP)."""

from actorkit.mdp.worker.worker import Worker

__all__ = ["Worker"]
