"""Databases that speak SQL: PostgreSQL and SQLite."""
