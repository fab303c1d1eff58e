"""Conditions on events, as routers and filters have them in their parameters.

Patterns are RE2's (google-re2), which matches any text in time by its length: there is no pattern and no text that
never ends. It has no look-ahead and no back-references.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
import re2
from msgspec import UNSET, Meta, UnsetType

from actorkit.errors import SettingsError
from actorkit.event.selector import Selector, View, text_of

#: Patterns that a document may bring: how many, and how long.
MAX_PATTERNS: Final = 100
MAX_PATTERN_CHARS: Final = 1000

#: What a condition becomes.
Holds = Callable[[View], bool]


class Condition(Selector, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"not_": "not"}):
    """A place in the event and what has to be there; or several conditions."""

    regex: Annotated[str, Meta(description="RE2 pattern that is found in one of the values")] = ""
    regex_xpath: Annotated[str, Meta(description="XPath to patterns that the document itself brings")] = ""
    equals: Annotated[Any, Meta(description="one of the values is this one")] = UNSET
    all: Annotated[tuple[Condition, ...] | UnsetType, Meta(description="each of these holds")] = UNSET
    any: Annotated[tuple[Condition, ...] | UnsetType, Meta(description="one of these holds")] = UNSET
    not_: Annotated[Condition | UnsetType, Meta(description="this one does not hold")] = UNSET

    def compile_condition(self) -> Holds:
        """Make it ready.

        Raises:
            SettingsError: it cannot be; the message says where.
        """
        groups = [name for name in ("all", "any", "not_") if getattr(self, name) is not UNSET]
        if len(groups) + bool(self.given) != 1:
            raise SettingsError("give one of xpath, jsonpath, at, all, any and not")
        if not groups:
            return self._compile_test()
        if self.regex or self.regex_xpath or self.equals is not UNSET:
            raise SettingsError(f"{groups[0].rstrip('_')}: regex and equals belong to a place, as xpath is one")
        if isinstance(self.not_, Condition):
            holds = _inside("not", self.not_)
            return lambda view: not holds(view)
        name = groups[0]
        parts = [_inside(f"{name}[{index}]", part) for index, part in enumerate(getattr(self, name))]
        if name == "all":
            return lambda view: all(part(view) for part in parts)
        return lambda view: any(part(view) for part in parts)

    def _compile_test(self) -> Holds:
        tests = [name for name in ("regex", "regex_xpath") if getattr(self, name)]
        tests += ["equals"] if self.equals is not UNSET else []
        if len(tests) > 1:
            raise SettingsError(f"give one of {' and '.join(tests)}")
        find = self.compile()
        if self.regex_xpath:
            patterns = msgspec.structs.replace(self, xpath=self.regex_xpath, jsonpath="", at="").compile()
            return lambda view: _is_matched(find(view), patterns(view))
        if self.regex:
            search = compile_regex(self.regex).search
            return lambda view: any(search(text_of(value)) for value in find(view))
        if self.equals is not UNSET:
            wanted = self.equals
            return lambda view: any(_is_equal(value, wanted) for value in find(view))
        # A place by itself: something is there. `boolean(…)` and its like say so themselves.
        return lambda view: any(value is not False for value in find(view))


def _inside(name: str, condition: Condition) -> Holds:
    try:
        return condition.compile_condition()
    except SettingsError as exc:
        raise SettingsError(f"{name}: {exc}") from exc


def _is_equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted or (not isinstance(value, bool) and text_of(value) == text_of(wanted))
    return bool(value == wanted) or (not isinstance(value, dict | list) and text_of(value) == text_of(wanted))


def _is_matched(values: Sequence[Any], patterns: Sequence[Any]) -> bool:
    texts = [text_of(value) for value in values]
    for pattern in patterns[:MAX_PATTERNS]:
        written = text_of(pattern)
        if len(written) > MAX_PATTERN_CHARS:
            continue
        try:
            search = compile_regex(written).search
        except SettingsError:  # a document's own mistake matches nothing
            continue
        if any(search(text) for text in texts):
            return True
    return False


def compile_regex(pattern: str) -> Any:
    """Compile a pattern.

    Raises:
        SettingsError: it is none of RE2's.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as exc:
        said = exc.args[0].decode(errors="replace") if isinstance(exc.args[0], bytes) else exc
        raise SettingsError(f'regex: "{pattern}" is no pattern of RE2: {said}') from exc
