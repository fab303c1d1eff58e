"""Text made of data, by a template of Jinja 2.

Why Jinja and not string.Template: answers and mails need loops and conditions, and authors know it. Its sandbox keeps
templates from Python's insides, and nothing that an event brings is ever read as a template.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Meta

from actorkit import Actor, Event
from actorkit.errors import MalformedEvent, SettingsError
from actorkit.event import body
from actorkit.params import Problem


class Template(Actor):
    """Makes a text of the event by a template; the text is the new data.

    The template sees `data` (an object, a list, a text; XML as the JSON that it stands for), `attributes`, `service`,
    `id` and `trace`. `to` says what the text is: with `xml` every value is escaped, so that it never becomes markup,
    and the result has to be XML; with `json` it has to be JSON: write values with `{{ data.name | tojson }}`. A name
    that is not there is a mistake. `{% include %}` and `{% import %}` reach `templates`, by name, and nothing else.

    Failures:
        MalformedEvent (400): the data lacks what the template names, or does not fit it; the text is too long, or is
            not what `to` says.
    """

    NAME: ClassVar[str] = "template"
    EXTRA: ClassVar[str] = "json"

    class Params(Actor.Params, frozen=True, kw_only=True):
        template: Annotated[str, Meta(description="the template", extra={"file": True})]
        to: Annotated[Literal["text", "json", "xml"], Meta(description="what the text is")] = "text"
        templates: Annotated[
            dict[str, str], Meta(description="templates that the template may include, by name; may be a folder")
        ] = {}
        max_output_bytes: Annotated[int, Meta(ge=1, description="longest text that is made")] = 8 << 20

    params: Params

    @classmethod
    def check(cls, params: Params) -> Iterable[Problem]:
        """What `setup` would complain about."""
        try:
            _compile(params)
        except SettingsError as exc:
            path, _, message = exc.message.partition(": ")
            yield Problem(path, message)

    def setup(self) -> None:
        """Compile the template.

        Raises:
            SettingsError: it is none; the message says where.
        """
        self._template = _compile(self.params)

    def consume(self, event: Event) -> Event:
        """Make the text."""
        text = self._render(event)
        wanted = {"text": None, "json": body.JSON, "xml": body.XML}[self.params.to]
        return event.become(Event, text if wanted is None else body.load(body.TEXT, text.encode(), wanted))

    def _render(self, event: Event) -> str:
        data = event.data
        if hasattr(data, "getroottree"):
            data = body.load(*event.encoded(), body.JSON)
        parts, length = [], 0
        try:
            for part in self._template.generate(
                data=data,
                attributes=event.context.attributes,
                service=event.service,
                id=event.id,
                trace=event.trace,
            ):
                parts.append(part)
                length += len(part.encode("utf-8", "backslashreplace"))
                if length > self.params.max_output_bytes:
                    raise MalformedEvent(
                        f"the text is longer than {self.params.max_output_bytes} bytes (max_output_bytes)"
                    )
        except MalformedEvent:
            raise
        except Exception as exc:  # what a template raises is of any kind, and is about this event's data
            raise MalformedEvent(f"the template: {' '.join(str(exc).split())[:500] or type(exc).__name__}") from exc
        return "".join(parts)


def _compile(params: Template.Params) -> Any:
    environment = ImmutableSandboxedEnvironment(
        autoescape=params.to == "xml",
        undefined=jinja2.StrictUndefined,
        loader=jinja2.DictLoader(params.templates),
        keep_trailing_newline=True,
    )
    # What makes text out of nothing is for designers.
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name)
    for name, text in params.templates.items():
        _parse(environment, text, f'templates: "{name}"')
    return _parse(environment, params.template, "template")


def _parse(environment: Any, text: str, where: str) -> Any:
    try:
        return environment.from_string(text)
    except (jinja2.TemplateError, RecursionError) as exc:
        line = f"line {exc.lineno}: " if isinstance(exc, jinja2.TemplateSyntaxError) else ""
        raise SettingsError(f"{where}: {line}{' '.join(str(exc).split())[:500]}") from exc
