"""One of several ways, chosen by what is in the event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import SettingsError, UnprocessableEvent
from actorkit.event.selector import View
from actorkit.params import Problem
from actorkit_actors.flow.condition import Condition, Holds

#: One outbox or several.
Outboxes = str | tuple[str, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition and where the events go that meet it."""

    when: Annotated[Condition, Meta(description="what the event has to be like")]
    to: Annotated[Outboxes, Meta(description="the outbox, or several; none: what meets it ends here")] = ()


class Router(Actor):
    """Sends each event to the outboxes whose conditions it meets.

    A condition is a place in the event and what is to be there: an XPath with the document's own namespaces, a
    JSONPath, or a path from the event (`http/headers/host`, `attributes/kind`, `data`); `regex` is found in one of the
    values, `equals` is one of them, and neither asks whether anything is there. `all`, `any` and `not` put conditions
    together. An event that cannot be read as XML or as JSON meets no condition on it.

    Every rule is tried and an outbox gets an event once, however many rules name it; with `mode: first` the first rule
    that holds decides. What meets none goes to `default`.

    Boxes: the outboxes that rules and `default` name.

    Failures:
        UnprocessableEvent (422): the event meets no rule, there is no default, and `unmatched` is `error`.
    """

    NAME: ClassVar[str] = "router"
    EXTRA: ClassVar[str] = "flow"

    class Params(Actor.Params, frozen=True, kw_only=True):
        rules: Annotated[tuple[Rule, ...], Meta(min_length=1, description="conditions, and where to go")]
        mode: Annotated[Literal["all", "first"], Meta(description="all rules that hold, or the first one of them")] = (
            "all"
        )
        default: Annotated[Outboxes, Meta(description="outbox, or several, of what meets no rule")] = ()
        unmatched: Annotated[
            Literal["drop", "error"], Meta(description="what becomes of that where there is no default")
        ] = "drop"

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        for index, rule in enumerate(params.rules):
            try:
                rule.when.compile_condition()
            except SettingsError as exc:
                yield Problem(f"rules[{index}].when", str(exc))

    @classmethod
    def named_outboxes(cls, params: Params) -> Mapping[str, str]:
        """The outboxes of the rules and the default ones."""
        found = {}
        for path, given in (
            *((f"rules[{index}].to", rule.to) for index, rule in enumerate(params.rules)),
            ("default", params.default),
        ):
            found.update({path if given is name else f"{path}[{at}]": name for at, name in enumerate(_names(given))})
        return found

    def setup(self) -> None:
        """Compile the conditions.

        Raises:
            SettingsError: one cannot be; the message says which and why.
        """
        self._rules: list[tuple[Holds, tuple[str, ...]]] = []
        for index, rule in enumerate(self.params.rules):
            try:
                self._rules.append((rule.when.compile_condition(), _names(rule.to)))
            except SettingsError as exc:
                raise SettingsError(f"rules[{index}].when: {exc}") from exc
        self._default = _names(self.params.default)

    def consume(self, event: Event) -> None:
        """Send the event where it belongs.

        Raises:
            UnprocessableEvent: it belongs nowhere, and that is an error.
        """
        view, matched = View(event), False
        wanted: dict[str, None] = {}
        for holds, outboxes in self._rules:
            if holds(view):
                matched = True
                wanted.update(dict.fromkeys(outboxes))
                if self.params.mode == "first":
                    break
        if not matched:
            wanted = dict.fromkeys(self._default)
            if not wanted and self.params.unmatched == "error":
                raise UnprocessableEvent("the event meets no rule")
        for outbox in wanted:
            self.send(event, outbox)


def _names(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
