"""What is known of an actor's class."""
