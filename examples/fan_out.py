"""One way: a generator whose events go to two outputs.

Run it with `python examples/fan_out.py`, or give it to kit: `kit graph examples/fan_out.py:director`.
"""

from __future__ import annotations

from actorkit.director import Director
from actorkit_actors.flow.generator import Generator
from actorkit_actors.flow.stdout import Stdout

director = Director("fan-out", clear=True)
generator = director.register_actor(Generator, "generator", interval_s=1.0, data="hello")
output_one = director.register_actor(Stdout, "output-one", prefix="I am number one: ", timestamp=True)
output_two = director.register_actor(Stdout, "output-two", prefix="I am number two: ", timestamp=True)

# Every event goes to both.
director.connect_queue(generator, [output_one, output_two])

if __name__ == "__main__":
    director.start()
