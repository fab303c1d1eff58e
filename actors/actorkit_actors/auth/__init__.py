"""Actors that say who somebody is."""
