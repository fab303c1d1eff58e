"""Full circle: a request is authenticated, transformed, booked, transformed back, and answered.

    python examples/full_circle.py
    curl -u alice:wonderland -H 'Content-Type: application/xml' \\
        -d '<order><customer>ACME</customer><item>tea</item><total>12.50</total></order>' localhost:8080/auth
"""

from __future__ import annotations

from lxml import etree

from actorkit import Actor, XMLEvent
from actorkit.director import Director
from actorkit_actors.auth.basic_auth import BasicAuth
from actorkit_actors.flow.stdout import Stdout
from actorkit_actors.http.http_server import HTTPServer
from actorkit_actors.xml.xslt import XSLT


class Book(Actor):
    """Books an order under the next number."""

    def setup(self) -> None:
        """Begin with number one."""
        self._booked = 0

    def consume(self, event: XMLEvent) -> XMLEvent:
        """Book one order."""
        self._booked += 1
        total = event.data.findtext("total") or "0"
        return event.replace(
            etree.Element("booked", number=str(self._booked), total=total, currency="EUR", by=self.name)
        )


director = Director("full-circle", clear=True)
web = director.register_actor(HTTPServer, "web", port=8080)
auth = director.register_actor(BasicAuth, "auth", users="alice:wonderland")
submit = director.register_actor(XSLT, "submit", stylesheet={"file": "orders/submit.xsl"})
book = director.register_actor(Book, "book")
acknowledge = director.register_actor(XSLT, "acknowledge", stylesheet={"file": "orders/ack.xsl"})
director.register_log_actor(Stdout, "log", prefix="log: ")

director.connect_queue(web, auth)
director.connect_queue(auth, submit)
director.connect_queue(submit, book)
director.connect_queue(book, acknowledge)
director.connect_queue(acknowledge, web)

if __name__ == "__main__":
    director.start()
