"""Actors for JSON, and for what becomes JSON."""
