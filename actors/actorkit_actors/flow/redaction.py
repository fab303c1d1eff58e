"""What a log must not show, by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from actorkit.errors import SettingsError
from actorkit.observe import redact
from actorkit_actors.flow.condition import compile_regex

#: What stands in the place of what is left out.
REDACTED: Final = "REDACTED"


class Redaction:
    """Replaces what the groups of patterns match, or all that a pattern without a group matches; and secrets that the
    process knows. Patterns are RE2's: no text makes one take for ever."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns.

        Raises:
            SettingsError: one is none of RE2's; the message says which.
        """
        self._patterns = []
        for index, pattern in enumerate(patterns):
            try:
                self._patterns.append(compile_regex(pattern))
            except SettingsError as exc:
                raise SettingsError(f"redact[{index}]: {exc}") from exc

    def __call__(self, text: str) -> str:
        """The text that may be shown."""
        text = redact.text(text)
        for pattern in self._patterns:
            text = pattern.sub(_mask, text)
        return text


def _mask(match: Any) -> str:
    """A match with its groups left out: by their places, as their text may stand in it once more."""
    start, end = match.span(0)
    found = (match.span(group) for group in range(1, match.re.groups + 1))
    spans = sorted(found, key=lambda span: (span[0], -span[1])) or [(start, end)]
    whole, parts, at = match.group(0), [], start
    for first, last in spans:
        # A group that matches nothing hides nothing; one inside another is hidden already.
        if first >= 0 and last > max(first, at):
            parts += [whole[at - start : max(first, at) - start], REDACTED]
            at = last
    return "".join([*parts, whole[at - start :]])
