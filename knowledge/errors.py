"""What can go wrong between a written rule and its ranking.

::

    KnowledgeError
    ├── DocumentError
    │   ├── InvalidDocumentError     a field of a document cannot be what it is
    │   ├── DuplicateDocumentError   two documents share an id and a version
    │   ├── DuplicateClauseError     two clauses of one document share a number
    │   └── UnreadableDocumentError  a file is not what its name says, or holds no text
    │       └── OversizeDocumentError    a file, or what it unpacks to, is larger than a rule can be
    ├── EmbeddingModelError          a sentence model cannot be used
    └── PassageIndexError
        ├── ForeignIndexError        the index's place is taken by something this package did not write
        └── CorruptIndexError        the index is there but does not hold what its manifest says
"""

from __future__ import annotations


class KnowledgeError(Exception):
    """Root of everything this package raises on purpose."""


class DocumentError(KnowledgeError):
    """A source document cannot be turned into passages."""


class InvalidDocumentError(DocumentError):
    """A field of a source document is outside its range."""


class DuplicateDocumentError(DocumentError):
    """Two source documents share an id and a version."""


class DuplicateClauseError(DocumentError):
    """Two clauses of one document carry the same number."""


class UnreadableDocumentError(DocumentError):
    """A file cannot be read as text: not of the kind its name says, damaged, locked, or without any text."""


class OversizeDocumentError(UnreadableDocumentError):
    """A file, or what it unpacks to, passes a limit of :mod:`knowledge.reading.limits`."""


class EmbeddingModelError(KnowledgeError):
    """A sentence model is incomplete, not of a kind that can be used, or no longer what was installed."""


class PassageIndexError(KnowledgeError):
    """The index directory cannot be used."""


class ForeignIndexError(PassageIndexError):
    """The place of the index is taken by something this package did not write; it is never removed."""


class CorruptIndexError(PassageIndexError):
    """The index does not hold what its manifest says; opening it anew rebuilds it."""
