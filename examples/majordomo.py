"""MajorDomo in one process: the request goes through a broker to one of two workers, and comes back.

python examples/majordomo.py
curl -d 'hello' -H 'Content-Type: text/plain' localhost:8080/ask
"""

from __future__ import annotations

from actorkit import Actor, Event
from actorkit.director import Director
from actorkit_actors.http.http_server import HTTPServer
from actorkit_actors.mdp.mdp_client import MDPClient
from actorkit_actors.mdp.mdp_worker import MDPWorker


class Shout(Actor):
    """Says the same, louder."""

    def consume(self, event: Event) -> Event:
        """Answer one request."""
        return event.replace(f"{event.text().upper()}! says {self.name}")


director = Director("majordomo", clear=True)
web = director.register_actor(HTTPServer, "web", port=8080)
ask = director.register_actor(MDPClient, "ask", service="shout", timeout_s=10)
director.connect_queue(web, ask)
director.connect_queue(ask, web)

for number in (1, 2):
    worker = director.register_actor(MDPWorker, f"worker-{number}", service="shout", capacity=1)
    shout = director.register_actor(Shout, f"shout-{number}")
    director.connect_queue(worker, shout)
    director.connect_queue(shout, worker)

if __name__ == "__main__":
    director.start()
