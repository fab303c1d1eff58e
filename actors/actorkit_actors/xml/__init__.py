"""Actors for XML."""
