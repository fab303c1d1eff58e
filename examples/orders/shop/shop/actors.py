"""The shop's actors."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from lxml import etree
from msgspec import Meta

from actorkit import Actor, MalformedEvent, UnprocessableEvent, XMLEvent


class PlaceOrder(Actor):
    """Books an order and answers with its number."""

    class Params(Actor.Params, frozen=True, kw_only=True):
        currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code of the totals")] = "EUR"
        limit_eur: Annotated[float, Meta(gt=0, description="largest total that is booked")] = 10_000.0

    params: Params

    def consume(self, event: XMLEvent) -> XMLEvent:
        """Book `<booking customer="…"><line/>…<total/></booking>`.

        The number follows from the event's trace: an order that is delivered twice is booked under one number.
        """
        booking = event.data
        total = self.total(booking.findtext("total"))
        customer, lines = booking.get("customer"), len(booking.findall("line"))
        number = f"A-{event.trace[-8:]}"
        self.log.info("%s: %s ordered %d lines for %s %s", number, customer, lines, total, self.params.currency)
        booked = etree.Element(
            "booked", number=number, total=str(total), currency=self.params.currency, by=self.runtime.instance
        )
        return event.replace(booked)

    def total(self, text: str | None) -> Decimal:
        """Read a total.

        Raises:
            MalformedEvent: there is none, or it is no amount.
            UnprocessableEvent: it is more than is booked.
        """
        if text is None:
            raise MalformedEvent("the order has no <total>")
        try:
            total = Decimal(text.strip())
        except InvalidOperation as exc:
            raise MalformedEvent(f'the total "{text.strip()}" is no amount') from exc
        if not total.is_finite():
            raise MalformedEvent(f'the total "{text.strip()}" is no amount')
        if not 0 < total <= Decimal(self.params.limit_eur):
            raise UnprocessableEvent(f"the total {total} is not between 0 and {self.params.limit_eur:g}")
        return total
