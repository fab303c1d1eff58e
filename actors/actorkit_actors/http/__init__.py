"""The parts of the `http-server` actor: connections, routes, media types, messages."""
