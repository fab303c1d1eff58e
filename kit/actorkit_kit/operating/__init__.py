"""What an operator does with a deployment that runs: look at its rates, tap it, put events in, follow one of them."""
