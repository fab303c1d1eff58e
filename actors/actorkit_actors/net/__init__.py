"""Plain connections with the outside."""
