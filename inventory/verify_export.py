"""Check an export of the audit log with nothing but the file: ``python -m inventory.verify_export FILE [--key KEY]``.

Needs Python and ``cryptography``; no home, no database, no network. Every entry of the export is hashed again, every
link and every signed head is checked, and what was executed is counted again from the entries and held against the
receipts and totals in the file. Exit code 0: everything holds; 1: something does not; 2: the file cannot be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from inventory.audit_totals import ExecutedDocument, Reconciliation, reconcile
from inventory.chain import GENESIS, AuditEntry, link_problem
from inventory.heads import SignedHead, is_signed_by

FORMAT = "evenkeel.audit.export.v1"
_ENTRY = {field.name for field in fields(AuditEntry)}
_HEAD = {field.name for field in fields(SignedHead)}


@dataclass(frozen=True)
class ExportProblem:
    """Something in an export that does not hold."""

    first_bad: int | None
    """First entry that does not hold, where it is about an entry."""
    problem: str


@dataclass
class ExportCheck:
    """What came of checking an export."""

    header: dict[str, Any] = field(default_factory=dict)
    entries: int = 0
    heads: int = 0
    not_covered: int = 0
    """Entries no signed head covers."""
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    problems: list[ExportProblem] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Everything holds."""
        return not self.problems


@dataclass
class _Parts:
    """An export by kind of line."""

    header: dict[str, Any]
    entries: list[AuditEntry] = field(default_factory=list)
    heads: list[SignedHead] = field(default_factory=list)
    others: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"receipt": [], "document": [], "total": [], "problem": []}
    )


class UnreadableExportError(ValueError):
    """The file is not an export, or is cut off."""


def verify_export(lines: Iterable[str], key: str = "") -> ExportCheck:
    """Check an export.

    Parameters
    ----------
    lines
        The file's lines.
    key
        Public key the heads must be signed with, known from elsewhere; empty: the one in the file, which proves only
        that one key signed them all.

    Raises
    ------
    UnreadableExportError
        If the lines are no export, or not all of one.
    """
    parts = _read(lines)
    header = parts.header
    check = ExportCheck(header=header, entries=len(parts.entries), heads=len(parts.heads))
    public = key or str(header["public_key"])
    if key and key != header["public_key"]:
        check.problems.append(ExportProblem(None, "the file names another public key than the one given"))
    found = _links(parts.entries, header) or _keys(parts.entries, public) or _heads(parts, public, int(header["first"]))
    if found:
        check.problems.append(found)
    check.not_covered = _not_covered(parts)
    check.reconciliation = reconcile(parts.entries, int(header["first"]), int(header["last"]))
    check.problems += [ExportProblem(None, problem) for problem in check.reconciliation.problems]
    check.problems += _reconciled(parts, check.reconciliation)
    return check


def _read(lines: Iterable[str]) -> _Parts:
    parts: _Parts | None = None
    number, ended = 0, False
    for number, text in enumerate(lines, start=1):
        line = _object(text, number)
        kind = line.pop("kind", None)
        if ended:
            raise UnreadableExportError(f"line {number} stands after the end")
        if parts is None:
            if kind != "header" or line.get("format") != FORMAT:
                raise UnreadableExportError(f"line 1 is not the header of a {FORMAT}")
            parts = _Parts(line)
        elif kind == "entry" and line.keys() == _ENTRY:
            parts.entries.append(AuditEntry(**line))
        elif kind == "head" and line.keys() == _HEAD:
            parts.heads.append(SignedHead(**line))
        elif kind in parts.others:
            parts.others[kind].append(line)
        elif kind == "end":
            ended = line.get("lines") == number - 1
            if not ended:
                raise UnreadableExportError(f"the file has {number - 1} lines, its end says {line.get('lines')}")
        else:
            raise UnreadableExportError(f"line {number} is of no known kind")
    if parts is None or not ended:
        raise UnreadableExportError(f"the file breaks off after line {number}")
    return parts


def _object(text: str, number: int) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise UnreadableExportError(f"line {number} is not JSON: {error}") from None
    if not isinstance(line, dict):
        raise UnreadableExportError(f"line {number} is no object")
    return line


def _links(entries: Sequence[AuditEntry], header: dict[str, Any]) -> ExportProblem | None:
    """Every entry hashes to what it says and follows the one before; the period has no gap."""
    first, last = int(header["first"]), int(header["last"])
    before: AuditEntry | None = None
    for entry in entries:
        apart = before is None or (entry.sequence > before.sequence + 1 and entry.sequence <= first)
        expected = entry.sequence if apart else before.sequence + 1 if before else 1
        previous = entry.previous if apart else before.hash if before else GENESIS
        if entry.sequence == 1:
            previous = GENESIS
        problem = link_problem(entry, expected, previous)
        if problem:
            return ExportProblem(expected, problem)
        before = entry
    held = {entry.sequence for entry in entries}
    missing = next((place for place in range(first, last + 1) if place not in held), None)
    return ExportProblem(missing, f"entry {missing} of the period is missing") if missing is not None else None


def _keys(entries: Iterable[AuditEntry], public: str) -> ExportProblem | None:
    for entry in entries:
        if entry.event == "signing_key.created" and entry.data.get("public") != public:
            return ExportProblem(entry.sequence, f"entry {entry.sequence} tells of another signing key")
    return None


def _heads(parts: _Parts, public: str, first: int) -> ExportProblem | None:
    """Every head is signed, agrees with its entry, and inside the period follows the one before."""
    hashes = {entry.sequence: entry.hash for entry in parts.entries}
    before: SignedHead | None = None
    for head in parts.heads:
        sequence = head.sequence
        if not is_signed_by(head, public):
            return ExportProblem(sequence, f"the head of entry {sequence} is not signed with the house's key")
        if hashes.get(sequence) != head.hash:
            return ExportProblem(sequence, f"entry {sequence} was rewritten: its hash is not the one that was signed")
        if before is not None and sequence <= before.sequence:
            return ExportProblem(sequence, f"the head of entry {sequence} is a replay")
        if before is not None and before.sequence >= first and head.previous != before.link:
            gap = before.sequence + 1
            return ExportProblem(gap, f"a head between entry {gap} and {sequence} is missing")
        before = head
    return None


def _not_covered(parts: _Parts) -> int:
    """Entries that no head follows in their own unbroken run."""
    signed = {head.sequence for head in parts.heads}
    open_, total, expected = 0, 0, None
    for entry in parts.entries:
        if entry.sequence != expected:
            total, open_ = total + open_, 0
        open_ = 0 if entry.sequence in signed else open_ + 1
        expected = entry.sequence + 1
    return total + open_


def _reconciled(parts: _Parts, made: Reconciliation) -> list[ExportProblem]:
    """What the file says was executed, against what its entries say."""
    problems = []
    stated = [line for line in parts.others["document"]]
    if stated != [vars(row) for row in made.documents]:
        problems.append(ExportProblem(_first_other(stated, made.documents), "the table of documents is not the log's"))
    if parts.others["total"] != [vars(row) for row in made.totals]:
        problems.append(ExportProblem(None, "the totals are not the sums of the documents"))
    receipts = {str(line.get("key")): line.get("body") for line in parts.others["receipt"]}
    told = {entry.sequence: entry for entry in parts.entries if entry.event == "action.applied"}
    for row in made.documents:
        if row.key not in receipts:
            problems.append(ExportProblem(row.receipt, f"the receipt of document {row.key} is missing from the table"))
        elif receipts[row.key] != told[row.receipt].data:
            problems.append(ExportProblem(row.receipt, f"the receipt of document {row.key} is not that of the log"))
    extra = sorted(receipts.keys() - {row.key for row in made.documents})
    problems += [ExportProblem(None, f"receipt {key} belongs to nothing that was executed") for key in extra]
    return problems


def _first_other(stated: list[dict[str, Any]], made: list[ExecutedDocument]) -> int | None:
    for row, line in zip(made, stated, strict=False):
        if vars(row) != line:
            return row.receipt
    return made[len(stated)].receipt if len(stated) < len(made) else None


def words(check: ExportCheck) -> list[str]:
    """What came of a check, for people."""
    header, made = check.header, check.reconciliation
    lines = [
        f"period {header['from']} to {header['to']}: entries {header['first']:,} to {header['last']:,}, "
        f"{check.entries:,} in the file",
        f"{check.heads:,} signed heads, {check.not_covered:,} entries no head covers, key {header['public_key'][:16]}",
        f"{len(made.documents):,} executed documents, each with its receipt"
        if check.sound
        else f"{len(made.documents):,} executed documents",
    ]
    lines += [
        f"  {total.day}  {total.action:<22} {total.documents:>5} documents {total.units:>9,} units "
        f"{total.value_minor / 100:>14,.2f} {total.currency}"
        for total in made.totals
    ]
    lines += [f"ALARM: {problem.problem}" for problem in check.problems]
    return [*lines, "sound" if check.sound else "BROKEN"]


def main(arguments: Sequence[str]) -> int:
    """Check the file named, and say what came of it."""
    words_ = list(arguments)
    key = ""
    if "--key" in words_:
        place = words_.index("--key")
        key = "".join(words_[place + 1 : place + 2])
        del words_[place : place + 2]
    if len(words_) != 1 or words_[0].startswith("-"):
        sys.stderr.write("usage: python -m inventory.verify_export FILE [--key PUBLIC_KEY]\n")
        return 2
    try:
        with Path(words_[0]).open(encoding="utf-8") as file:
            check = verify_export(file, key)
    except (OSError, UnreadableExportError, UnicodeDecodeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write("\n".join(words(check)) + "\n")
    return 0 if check.sound else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
