"""One instance of an actor: what it consumes, produces, sends and holds, and how it stops."""
