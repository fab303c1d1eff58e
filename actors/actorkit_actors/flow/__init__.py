"""Actors that make, end and show events."""
