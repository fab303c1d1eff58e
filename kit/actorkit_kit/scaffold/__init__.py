"""Beginnings: what `kit new` writes for an author."""
