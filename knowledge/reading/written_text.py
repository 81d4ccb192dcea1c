"""What a reader makes of a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrittenText:
    """The text of a document as Markdown, ready to be split into clauses.

    Parameters
    ----------
    text
        Headings as ``#`` lines, blocks with an empty line between, clause numbers as the document shows them.
    kind
        ``markdown``, ``plain``, ``html``, ``pdf`` or ``docx``.
    hidden_characters
        Characters that were in the file and that no reader of it would see; they are not in the text.
    """

    text: str
    kind: str
    hidden_characters: int = 0
