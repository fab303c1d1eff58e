"""Durable requests (RFC 9/TSP)."""

from actorkit.mdp.titanic.titanic import Titanic

__all__ = ["Titanic"]
