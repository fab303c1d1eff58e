"""actorkit_kit: the `kit` command: a topology becomes a plan, and a plan becomes processes, a Compose file or a chart."""
