"""The registration service: which brokers there are."""

from actorkit.mdp.directory.service import RegistrationService

__all__ = ["RegistrationService"]
