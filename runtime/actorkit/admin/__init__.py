"""What an operator may do with an actor that runs: look at its events on their way, and put one in by hand."""
