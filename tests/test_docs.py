"""The documents say what the product does: diagrams, help, commands, links, roles, words and container files.

What the product prints itself stands in the README between ``<!-- printed: … -->`` and ``<!-- end -->``;
``python -m tests.test_docs`` writes those blocks anew.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from agent.case_graph import case_graph
from agent.sweep_graph import sweep_graph
from inventory.records import ActionKind, CaseKind, CaseState, DocumentState, ProposalState, ReasonCode, Tier
from service.cli import app
from service.settings import Settings
from service.story import STEPS
from tools.roles import ROLES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
AGENTS = ROOT / "docs" / "agents.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"(<!-- printed: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
HELP_WIDTH = 100


def printed() -> dict[str, str]:
    """What the product prints, by name of its block in the README."""
    help_text = CliRunner().invoke(app, ["--help"], prog_name="evenkeel", terminal_width=HELP_WIDTH).output
    return {
        "sweep graph": _fenced("mermaid", sweep_graph().get_graph().draw_mermaid()),
        "case graph": _fenced("mermaid", case_graph(None).get_graph().draw_mermaid()),
        "command line": _fenced("text", help_text),
    }


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```\n"


def with_printed_blocks(readme: str) -> str:
    """The README with every printed block as the product prints it now."""
    now = printed()
    return BLOCK.sub(lambda block: f"{block[1]}{now[block[2]]}{block[4]}", readme)


def _code(page: Path) -> list[str]:
    """Lines of fenced shell blocks and inline code of a page."""
    text = page.read_text("utf-8")
    shell = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return shell + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def _table_rows(page: Path) -> list[list[str]]:
    lines = (line for line in page.read_text("utf-8").splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def _traced() -> Iterator[tuple[str, str, str]]:
    """Node, span and role of every step both graphs record, as they stand in their source."""
    for graph in ("case_graph.py", "sweep_graph.py"):
        tree = ast.parse((ROOT / "agent" / graph).read_text("utf-8"))
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == "taking":
                    _, span, role = call.args
                    if isinstance(role, ast.Constant):  # the others keep the house
                        yield function.name, ast.literal_eval(span), ast.literal_eval(role)


def test_readme_shows_the_graphs_and_the_help_as_the_product_prints_them() -> None:
    readme = README.read_text("utf-8")
    assert {block[2] for block in BLOCK.finditer(readme)} == set(printed())
    assert readme == with_printed_blocks(readme), "stale: run `python -m tests.test_docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_commands_of_a_page_are_in_the_makefile(page: Path) -> None:
    named = {match[1] for line in _code(page) if (match := re.match(r"make ([a-z]+)$", line))}
    assert named <= _targets()


def test_readme_needs_two_commands_only() -> None:
    lines = [line for line in _code(README) if line.startswith("make ")]
    assert {"make demo", "make test"} <= set(lines)
    assert re.search(r"^demo: setup$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert re.search(r"^test: setup$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_evenkeel_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    for line in _code(page):
        for words in re.findall(r"\bevenkeel ((?!evenkeel)[a-z].*)", line):
            _refuse_unknown_command(words, f"{page.name}: {line}")


def _refuse_unknown_command(words: str, where: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in words.split():
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, where
        command = command.commands[word]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert set(re.findall(r"--[a-z-]+", words)) <= known, where


def test_readme_names_every_setting() -> None:
    readme = README.read_text("utf-8")
    assert [name for name in Settings.model_fields if f"`EVENKEEL_{name.upper()}`" not in readme] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_agents_page_names_every_node_of_both_graphs() -> None:
    nodes = set(sweep_graph().get_graph().nodes) | set(case_graph(None).get_graph().nodes)
    text = AGENTS.read_text("utf-8")
    assert sorted(node for node in nodes - {"__start__", "__end__"} if f"`{node}`" not in text) == []


def test_agents_page_tells_spans_and_roles_as_the_case_graph_records_them() -> None:
    rows = [row for row in _table_rows(AGENTS) if len(row) == 4 and row[0].startswith("`")]
    told = {(row[2].strip("`"), row[0].strip("`"), row[1]) for row in rows}
    assert told == set(_traced())
    assert {row[0].strip("`"): row[3].strip("`") for row in rows} == STEPS


def test_agents_page_gives_each_role_its_nodes_and_tools() -> None:
    rows = {row[0].strip("*"): row for row in _table_rows(AGENTS) if row[0].startswith("**")}
    assert set(rows) == set(ROLES) == {"inventory", "replenishment", "allocation", "demand", "supply", "audit"}
    assert [role for role, row in rows.items() if not row[4].startswith(f"`evenkeel role {role} ")] == []
    assert [(node, role) for node, _, role in _traced() if f"`{node}`" not in rows[role][2]] == []
    for row in rows.values():
        for path, names in re.findall(r"\]\(\.\./([a-z_/]+\.py)\)((?: `[a-z_]+`,?)+)", row[3]):
            source = (ROOT / path).read_text("utf-8")
            assert [name for name in re.findall(r"`([a-z_]+)`", names) if f"def {name}(" not in source] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_a_decision_fits_one_screen_and_names_a_bad_consequence(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
    assert text.startswith(f"# {page.name[:4]} ")
    assert "- **Bad:** " in text


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


WORDS = (ActionKind, CaseKind, CaseState, DocumentState, ProposalState, ReasonCode, Tier)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words.__name__)
def test_glossary_explains_every_word_a_record_may_hold(words: type[StrEnum]) -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    assert [word.value for word in words if f"`{word.value}`" not in glossary] == []


def test_compose_file_fits_the_compose_schema() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*checker, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_publishes_on_loopback_only_and_keeps_the_home_in_a_volume() -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    ports = re.findall(r'^      - "([^"]*\d:\d+)"$', compose, re.MULTILINE)
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert re.search(r"^    volumes:\n      - home:/var/lib/evenkeel$", compose, re.MULTILINE)
    assert "ENV EVENKEEL_HOME=/var/lib/evenkeel " in (ROOT / "Dockerfile").read_text("utf-8")


def test_image_holds_every_package_of_the_house() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    let_through = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert [
        name for name in packages if f"COPY {name}/ {name}/" not in dockerfile or f"!{name}" not in let_through
    ] == []


def test_licence_is_whole_and_is_the_one_declared() -> None:
    licence = (ROOT / "LICENSE").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "APPENDIX: How to apply the Apache License to your work." in licence


if __name__ == "__main__":
    README.write_text(with_printed_blocks(README.read_text("utf-8")), "utf-8")
