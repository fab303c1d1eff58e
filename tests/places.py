"""Where things are in this checkout."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
ORDERS: Final = ROOT / "examples" / "orders"
