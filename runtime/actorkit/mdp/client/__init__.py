"""A MajorDomo client (RFC 7/MDP)."""

from actorkit.mdp.client.client import Client

__all__ = ["Client"]
