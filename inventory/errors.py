"""Errors of the inventory package.

InventoryError
├── ContractError            the data contract cannot be met
│   ├── MappingError         the mapping file is wrong
│   └── UnreadableFeedError  a feed file cannot be read at all
├── RuleError                a machine rule is not written as it must be
├── SnapshotError            a snapshot is missing, damaged or refused
├── StoreError               the database cannot do what was asked
│   ├── NotFoundError        no such record in the caller's scope
│   ├── LostRaceError        somebody else changed the record first
│   ├── ConflictError        the database rolled the transaction back; the same again may succeed
│   ├── NotEnoughStockError  a reservation would take more than is free
│   └── NotEnoughCapacityError  a lane or a budget has less left on a day than is wanted
├── AuditError               the audit chain is broken or cannot be written
│   └── HeadSinkError        a further place did not take a signed head
├── BackupError              a backup cannot be taken, read or put back
└── AccessError              the caller is unknown or lacks the right
"""


class InventoryError(Exception):
    """Root of everything this package raises on purpose."""


class ContractError(InventoryError):
    """Data does not meet the contract; the message names file, line, column, value and expectation."""


class MappingError(ContractError):
    """A mapping file names unknown tables or columns, or declares an impossible format."""


class UnreadableFeedError(ContractError):
    """A feed file cannot be read at all: wrong encoding, cut in half, or not the format it claims."""


class RuleError(InventoryError):
    """A machine rule breaks the format; the message names document, clause, rule, field and expectation."""


class SnapshotError(InventoryError):
    """A snapshot is missing, damaged, future-dated or refused."""


class StoreError(InventoryError):
    """The database cannot do what was asked."""


class NotFoundError(StoreError):
    """No such record, or none the caller may see."""


class LostRaceError(StoreError):
    """The record changed between reading and writing: somebody else was first."""


class ConflictError(StoreError):
    """The database rolled the transaction back because of another one; the whole step may be done again."""


class NotEnoughStockError(StoreError):
    """A reservation would take units that are protected or already promised."""


class NotEnoughCapacityError(StoreError):
    """A reservation would take more of a lane, a site or a budget on a day than others left."""


class AuditError(InventoryError):
    """The audit chain is broken, or an entry could not be written."""


class HeadSinkError(AuditError):
    """A further place for signed heads did not take one, or holds something else."""


class BackupError(InventoryError):
    """A backup cannot be taken, is not whole, or cannot be put back here."""


class AccessError(InventoryError):
    """The caller is unknown, or lacks the right for this."""
