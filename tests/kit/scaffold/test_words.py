"""The names that follow from a name."""

from __future__ import annotations

import pytest

from actorkit_kit.errors import UsageError
from actorkit_kit.scaffold import words


def test_module_and_class_follow_from_the_name() -> None:
    assert (words.module_name("place-order"), words.class_name("place-order")) == ("place_order", "PlaceOrder")
    assert words.package_name("my-shop") == "my_shop"


@pytest.mark.parametrize("name", ["json", "actorkit", "gevent", "class"])
def test_a_package_that_python_would_take_for_another_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f'"{name}"'):
        words.package_name(name)


def test_a_name_that_is_none_is_refused_with_a_better_one() -> None:
    with pytest.raises(UsageError, match='Did you mean "my-shop"'):
        words.check_name("My_Shop")
