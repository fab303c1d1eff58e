"""The console: a picture of a graph that runs, for a browser.

It asks instances at their admin ports while somebody looks. No event passes through it: it may end at any moment.
"""
