"""Durable requests (RFC 9/TSP)."""
