"""Tests of `kit test`."""
