"""The brief as one self-contained HTML page: no script, no outside resource, every text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from agent.brief import Brief
from service.brief_text import Section, sections
from service.console import inert

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;"
    "background:#fff}h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem;border-bottom:1px solid #d0d7de}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.25rem .6rem .25rem 0;"
    "vertical-align:top}th{font-weight:600;border-bottom:1px solid #d0d7de}td.number,th.number{text-align:right;"
    "font-variant-numeric:tabular-nums}@media(prefers-color-scheme:dark){body{background:#14171b;color:#e6e9ed}}"
)


def brief_html(brief: Brief) -> str:
    """The whole page; the content security policy lets it load nothing."""
    first, *rest = sections(brief)
    title = _safe(first.title)
    body = "\n".join(
        [f"<h1>{title}</h1>", *_sentences(first), *(line for section in rest for line in _section(section))]
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _section(section: Section) -> Iterator[str]:
    yield f"<h2>{_safe(section.title)}</h2>"
    yield from _sentences(section)
    if not section.rows:
        return
    yield "<table>"
    heads = (_cell("th", column, column.removeprefix("#")) for column in section.columns)
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for row in section.rows:
        cells = (_cell("td", column, text) for column, text in zip(section.columns, row, strict=True))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"


def _sentences(section: Section) -> list[str]:
    return [f"<p>{_safe(sentence)}</p>" for sentence in section.sentences]


def _cell(tag: str, column: str, text: str) -> str:
    number = ' class="number"' if column.startswith("#") else ""
    return f"<{tag}{number}>{_safe(text)}</{tag}>"


def _safe(text: str) -> str:
    return escape(inert(text), quote=True)
