"""The verbs of `kit`, one file each: every module offers `register(app)`."""
