"""The MajorDomo broker (RFC 7/MDP, RFC 18/MDP, RFC 8/MMI)."""

from actorkit.mdp.broker.broker import Broker

__all__ = ["Broker"]
