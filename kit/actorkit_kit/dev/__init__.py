"""A topology that runs while its author works on it: `kit dev`."""
