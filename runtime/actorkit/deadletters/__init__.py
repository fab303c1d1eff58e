"""Events that failed where nothing takes them: their box on a disk, and the command that reads it."""
