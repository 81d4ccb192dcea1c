"""The demo company's written rules, read from the Markdown files beside this module."""

from __future__ import annotations

from pathlib import Path

from service.rule_files import RuleFile, RuleFileError, parse_rule_file

DOCUMENTS = Path(__file__).parent / "documents"


def read_corpus(folder: Path = DOCUMENTS) -> list[RuleFile]:
    """Documents of a folder, sorted by id and version.

    Raises
    ------
    RuleFileError
        If the folder holds no document, a file breaks the format, or two files share id and version.
    """
    documents: dict[tuple[str, int], RuleFile] = {}
    for path in sorted(folder.glob("*.md")):
        document = parse_rule_file(path.read_text(encoding="utf-8"), path.name)
        key = (document.id, document.version)
        if key in documents:
            raise RuleFileError(f"{path.name}: {document.id} v{document.version} is already given by another file")
        documents[key] = document
    if not documents:
        raise RuleFileError(f"{folder.name}: no *.md document in it")
    return [documents[key] for key in sorted(documents)]
