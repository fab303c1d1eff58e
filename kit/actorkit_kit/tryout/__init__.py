"""One actor by itself: `kit try`."""
