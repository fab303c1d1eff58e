"""`python -m actorkit_kit` is `kit`."""

from actorkit_kit.main import run

if __name__ == "__main__":
    run()
