"""actorkit_actors: the stock actors, one file each."""
