"""Textbook cases with their source, by name."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "golden"


def golden(file: str, case: str) -> tuple[dict[str, Any], Any]:
    """Input and answer of a case."""
    record = json.loads((_FOLDER / f"{file}.json").read_text())[case]
    return record["input"], record["answer"]
