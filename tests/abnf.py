"""A reader of ABNF (RFC 5234, RFC 7405), and a check of bytes against a rule: for the grammars that stand in docs/.

A grammar is read strictly: every rule is defined once, continued by `=/`, and every name that is used has a rule. It
must not be recursive, for a rule becomes one regular expression. Bytes are matched as the characters U+0000 to U+00FF,
so a test may let a name stand for a character beyond these (`heads`), where lengths are counted and not seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>%[si]"[^"]*"|"[^"]*")
    |(?P<number>%x[0-9A-F]+(?:-[0-9A-F]+|(?:\.[0-9A-F]+)+)?)
    |(?P<repeat>\d*\*\d*|\d+)(?=[%"A-Za-z(\[])
    |(?P<name>[A-Za-z][A-Za-z0-9-]*)
    |(?P<mark>[()\[\]/])
    )""",
    re.VERBOSE,
)


class Grammar:
    """The rules of the one block of ABNF in a text.

    Raises:
        ValueError: there is none, or it is not ABNF.
    """

    def __init__(self, text: str) -> None:
        blocks = re.findall(r"```abnf\n(.*?)```", text, re.S)
        if len(blocks) != 1:
            raise ValueError(f"{len(blocks)} blocks of ABNF, not one")
        #: Rules by name, without comments.
        self.rules: dict[str, str] = {}
        for line in blocks[0].splitlines():
            self._read(re.sub(r';.*|("[^"]*")', r"\1", line).rstrip())
        for name, rule in self.rules.items():
            self.tokens(name)
            for used in self.names(rule):
                if used not in self.rules:
                    raise ValueError(f'{name} uses "{used}", which is no rule')

    def _read(self, line: str) -> None:
        if not line:
            return
        found = re.fullmatch(r"([A-Za-z][A-Za-z0-9-]*)\s*(=/?)\s*(\S.*)", line)
        if found is None:
            raise ValueError(f"not a rule of ABNF: {line}")
        name, sign, rule = found.groups()
        if (name in self.rules) is not (sign == "=/"):
            raise ValueError(f"{name} is defined twice, or continued before it is defined")
        self.rules[name] = f"{self.rules[name]} / {rule}" if sign == "=/" else rule

    def tokens(self, name: str) -> list[tuple[str, str]]:
        """A rule in pieces: (string, number, repeat, name or mark; what is written)."""
        rule, at, found = self.rules[name], 0, list[tuple[str, str]]()
        while at < len(rule):
            one = _TOKEN.match(rule, at)
            if one is None:
                raise ValueError(f"{name}: not ABNF: {rule[at:]}")
            at = one.end()
            found.append((str(one.lastgroup), one[0].strip()))
        return found

    @staticmethod
    def names(rule: str) -> set[str]:
        """The names that a rule uses."""
        return set(re.findall(r"[A-Za-z][\w-]*", re.sub(r'(%[si])?"[^"]*"|%x[\w.-]+|(?<![\w-])\d+', " ", rule)))

    def unused(self) -> set[str]:
        """The rules that no other rule uses: where a grammar begins."""
        return self.rules.keys() - set[str]().union(*map(self.names, self.rules.values()))

    def matches(self, name: str, text: str, heads: Mapping[str, str] | None = None) -> bool:
        """Whether a rule describes a text of bytes; `heads` are rules for which one character stands."""
        return re.fullmatch(self._pattern(name, heads or {}), text, re.S) is not None

    def _pattern(self, name: str, heads: Mapping[str, str]) -> str:
        """The regular expression of a rule."""
        if name in heads:
            return re.escape(heads[name])
        parts, repeat, ends = ["(?:"], "", list[str]()
        for kind, written in self.tokens(name):
            if kind == "repeat":
                least, star, most = written.partition("*")
                repeat = f"{{{least or 0},{most}}}" if star else f"{{{least}}}"
                continue
            if written in ("(", "["):
                parts.append("(?:")
                ends.append(")" + ("?" if written == "[" else repeat))
            elif written in (")", "]"):
                parts.append(ends.pop())
            else:
                parts.append("|" if written == "/" else self._one(kind, written, heads) + repeat)
            repeat = ""
        return "".join([*parts, ")"])

    def _one(self, kind: str, written: str, heads: Mapping[str, str]) -> str:
        """The regular expression of a name, a string or a number."""
        if kind == "name":
            return self._pattern(written, heads)
        if kind == "string":
            exact = written.startswith("%s")
            return f"(?{'' if exact else 'i'}:{re.escape(written.partition(chr(34))[2][:-1])})"
        first, _, last = written[2:].partition("-")
        if last:
            return f"[\\x{int(first, 16):02x}-\\x{int(last, 16):02x}]"
        return "(?:" + "".join(f"\\x{int(one, 16):02x}" for one in first.split(".")) + ")"
