"""What is written as YAML is read again as it was, by readers of YAML 1.2 and of 1.1."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from actorkit_kit.render.yamltext import Anchor, Merge, Quoted, dump, load

#: Texts as topologies hold them: names, numbers that are texts, blocks of lines, and whatever else a user writes.
TEXTS = st.one_of(
    st.sampled_from(
        ["yes", "1_000", "0x1f", "1e3", "~", "<<", "a: b", "# x", "-", "{{ a }}", "é", "a\n", "a\n\nb", "\n"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12),
)
SCALARS = st.one_of(TEXTS.map(Quoted), st.integers(-9, 10**12), st.booleans())
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(TEXTS.map(Quoted), inner, max_size=3),
        st.lists(SCALARS, max_size=4),
    ),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, TREES, max_size=4))
@example({"a": [{"b": {"c": Quoted("x\ny\n\n")}, "d": []}, {}, Quoted("")]})
def test_a_tree_is_read_as_it_was_written(tree: dict[str, Any]) -> None:
    assert load(dump(tree)) == (tree or None)
    # Helm and Kubernetes read YAML 1.1.
    old = YAML(typ="safe", pure=True)
    old.version = (1, 1)
    assert old.load(dump(tree)) == (tree or None)


def test_shared_settings_stand_once_and_are_taken_over() -> None:
    base = Anchor("base", {"user": Quoted("1"), "drop": ["ALL"]})
    text = dump({"x-base": base, "one": Merge(base, {"user": Quoted("2")})})
    assert text == 'x-base: &base\n  user: "1"\n  drop: [ALL]\none:\n  <<: *base\n  user: "2"\n'
    assert load(text)["one"] == {"user": "2", "drop": ["ALL"]}
