"""actorkit_kit: the `kit` command: topology, then plan, then processes, a Compose file or a chart."""
