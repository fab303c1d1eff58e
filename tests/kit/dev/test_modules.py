"""Which files a class is made of follows from what they import."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorkit_kit.dev.modules import files_of

FILES = {
    "shop/__init__.py": "",
    "shop/place.py": "import os\nfrom shop import prices\nfrom .tax.rates import RATE\n",
    "shop/prices.py": "import shop.money\n",
    "shop/money.py": "from shop.place import Place\n",
    "shop/tax/__init__.py": "from ..log import say\n",
    "shop/tax/rates.py": "RATE = 1\n",
    "shop/log.py": "",
    "shop/other.py": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_it_is_made_of_what_it_imports_one_by_way_of_others(folder: Path) -> None:
    found = files_of("shop.place:Place", folder)
    assert found is not None
    assert {str(path.relative_to(folder)) for path in found} == set(FILES) - {"shop/other.py"}


@pytest.mark.parametrize("text", ["import importlib\n", "def broken(:\n"])
def test_where_that_cannot_be_told_it_may_be_made_of_all(text: str, folder: Path) -> None:
    (folder / "shop" / "log.py").write_text(text)
    assert files_of("shop.place:Place", folder) is None
