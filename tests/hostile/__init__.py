"""Attacks by strangers, with honest clients beside them. `make hostile` runs them at length, the suite in short."""
