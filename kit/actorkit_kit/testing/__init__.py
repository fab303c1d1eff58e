"""Tests of a topology: `kit test`, and pytest by itself."""
