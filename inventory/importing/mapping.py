"""The mapping file: how a company's exports become the tables of the data contract.

A TOML file with ``[defaults]`` (encoding, delimiter, decimal mark, date format, moment of the delivery) and one
``[tables.<table>]`` section per feed (file, sheet, renamed columns, units, constant values, and formats of its own).
A file named after its table, with the contract's columns, needs no section.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from inventory.contract import Table, table
from inventory.errors import MappingError
from inventory.record import Record, Utc

ISO_DATE = "%Y-%m-%d"
_WORDS = {"yyyy": "%Y", "mm": "%m", "dd": "%d"}


def _known_encoding(name: str) -> str:
    try:
        "a".encode(name)  # refuses codecs that are not text encodings
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"encoding {name!r} is not known") from error


def _date_pattern(value: str) -> str:
    """``dd.mm.yyyy`` or ``%d.%m.%Y`` to the latter; year, month and day once each."""
    pattern = value
    for word, directive in _WORDS.items():
        pattern = re.sub(word, directive, pattern, flags=re.IGNORECASE) if "%" not in value else pattern
    rest = pattern
    for directive in _WORDS.values():
        if rest.count(directive) != 1:
            raise ValueError(f"date format {value!r} must hold a year yyyy, a month mm and a day dd, once each")
        rest = rest.replace(directive, "", 1)
    if not re.fullmatch(r"[./\- ]*", rest):
        raise ValueError(f"date format {value!r} may hold only yyyy, mm, dd and the separators . / - and space")
    return pattern


def _one_of_tables(name: str) -> Table:
    try:
        return table(name)
    except KeyError as error:
        raise ValueError(error.args[0]) from error


Encoding = Annotated[str, AfterValidator(_known_encoding)]
Delimiter = Annotated[str, Field(pattern=r"^[,;|\t:~^]$")]
DecimalMark = Annotated[str, Field(pattern=r"^[.,]$")]
DateFormat = Annotated[str, AfterValidator(_date_pattern)]


class FeedFormat(Record):
    """How texts of a feed are written."""

    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    decimal_mark: DecimalMark = "."
    date_format: DateFormat = ISO_DATE

    @model_validator(mode="after")
    def _distinct_marks(self) -> FeedFormat:
        if self.delimiter == self.decimal_mark:
            raise ValueError(f"delimiter and decimal mark are both {self.delimiter!r}")
        return self


NATIVE = FeedFormat()
"""How values of a typed file (Parquet, numbers and dates of a worksheet) are written out."""


class Defaults(FeedFormat):
    """Formats of every feed that does not say otherwise, and the moment of the delivery."""

    as_of: Utc | None = None
    """The facts are complete up to here; absent: the newest ``as_of`` of the stock feed."""


class FeedMapping(Record):
    """One feed: where it is and how its columns become the contract's."""

    file: str | None = None
    """File name within the delivery; absent: the table's name with a known ending."""
    sheet: str | None = None
    """Worksheet of an .xlsx file; absent: the first."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Their column name to ours; a column that already has our name needs no entry."""
    units: dict[str, str] = Field(default_factory=dict)
    """Our quantity column to the unit all its values are in."""
    unit_columns: dict[str, str] = Field(default_factory=dict)
    """Our quantity column to *their* column that names the unit of each row."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Our column to the text every row has, as if the file held it."""
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    decimal_mark: DecimalMark | None = None
    date_format: DateFormat | None = None


class Mapping(Record):
    """A whole mapping file."""

    defaults: Defaults = Defaults()
    tables: dict[str, FeedMapping] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_the_contract(self) -> Mapping:
        for name, feed in self.tables.items():
            _check_feed(_one_of_tables(name), feed)
            self.format_of(name)
        return self

    def feed(self, name: str) -> FeedMapping:
        """The table's section; an empty one if the file has none."""
        return self.tables.get(name, FeedMapping())

    def format_of(self, name: str) -> FeedFormat:
        """The table's format: its own where it says so, else the defaults."""
        own = self.feed(name).model_dump(include=set(FeedFormat.model_fields), exclude_none=True)
        return FeedFormat(**{**self.defaults.model_dump(exclude={"as_of"}), **own})


def _check_feed(contract: Table, feed: FeedMapping) -> None:
    known = {column.name for column in contract.columns}
    named = {"columns": feed.columns.values(), "units": feed.units, "unit_columns": feed.unit_columns}
    for key, ours in {**named, "constants": feed.constants}.items():
        unknown = sorted(set(ours) - known)
        if unknown:
            raise ValueError(
                f"tables.{contract.name}.{key} names {', '.join(unknown)}; "
                f"the contract has {', '.join(column.name for column in contract.columns)}"
            )
    for name in (*feed.units, *feed.unit_columns):
        if contract.column(name).type != "quantity":
            raise ValueError(
                f"tables.{contract.name}: {name} has no unit to declare, it is a {contract.column(name).type}"
            )
    sources = [*feed.columns.values(), *feed.constants]
    twice = sorted({name for name in sources if sources.count(name) > 1})
    if twice:
        raise ValueError(f"tables.{contract.name}: {', '.join(twice)} is given more than once")
    both = sorted(set(feed.units) & set(feed.unit_columns))
    if both:
        raise ValueError(f"tables.{contract.name}: the unit of {', '.join(both)} is given twice")


def read_mapping(path: Path) -> Mapping:
    """The mapping a TOML file holds.

    Raises
    ------
    MappingError
        If the file cannot be read, names an unknown key, table or column, or declares an impossible format; the
        message names file, key, value and what was expected.
    """
    try:
        return parse_mapping(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name}: cannot be read as UTF-8 text: {error}") from error


def parse_mapping(text: str, name: str = "mapping") -> Mapping:
    """The mapping a TOML text holds; ``name`` stands in error messages."""
    try:
        return Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{name}: not TOML: {error}") from error
    except ValidationError as error:
        raise MappingError(f"{name}: {'; '.join(_said(problem) for problem in error.errors())}") from error


def _said(problem: ErrorDetails) -> str:
    """One problem in words: which key, what value, what was expected."""
    key = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    value = problem["input"]
    return f"{key} = {value!r}: {message}" if key and not isinstance(value, dict) else message
