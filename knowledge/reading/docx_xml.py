"""XPath over the parts of a DOCX file, whatever class an element was read into."""

from __future__ import annotations

from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # no types shipped

_NAMESPACES = {"w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main"}


def found(element: Any, path: str) -> list[Any]:
    """Elements, attributes or texts at a path."""
    return list(etree.ElementBase.xpath(element, path, namespaces=_NAMESPACES))


def value(element: Any, path: str) -> str:
    """The first attribute or text at a path; empty where there is none."""
    return next((str(each) for each in found(element, path)), "")
