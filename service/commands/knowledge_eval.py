"""How well written rules are found, and which embedding finds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in

if TYPE_CHECKING:
    from rich.table import Table

    from knowledge.embedding import Embedding
    from knowledge.evaluation import Figures, Judged

embedding = typer.Typer(help="The embedding that rules are ranked with beside their words.", no_args_is_help=True)


def evaluate(
    worst: Annotated[int, typer.Option(min=0, max=500, help="How many of the worst questions to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Judge the search by the questions that come with Evenkeel.

    Puts every question to the rules of the set and prints what was found: recall among the first five, nDCG of the
    first ten, how often another version or another site's rule was found, and how often nothing was. Uses the sentence
    model installed in the home, the built-in embedding where there is none; writes nothing.
    """
    from knowledge.evaluation import worst as worst_of
    from service.console import out, write_text
    from service.evaluation.retrieval_set import judge_set

    used, judged = judge_set()
    if as_json:
        write_text(json.dumps(_as_data(used, judged, worst_of(judged, worst)), indent=2, allow_nan=False))
        return
    write_text(f"embedding: {used.config['name']}")
    out().print(_table(judged))
    for each in worst_of(judged, worst):
        write_text(f"{each.question.question_id} ({each.question.kind}) {each.question.text}")
        write_text(f"    wanted {', '.join(sorted(each.question.needed)) or 'nothing'}")
        write_text(f"    found  {', '.join(each.found[:5]) or 'nothing'}")


@embedding.command("install")
def install(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Holds model.onnx and tokenizer.json.")
    ],
    as_user: AsUser = None,
) -> None:
    """Rank with a sentence model of your own: any ONNX model that turns tokens into vectors.

    The files are copied into the home and tried; nothing is fetched. Processes that already run go on with the
    embedding they began with until they are started again.
    """
    from knowledge.sentence_model import install_model
    from service.console import write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        model = install_model(folder, house.toolbox.knowledge_root)
        write_text(
            f"{model.name} installed: {model.dimensions} dimensions, unrelated texts reach {model.unrelated:.2f}, "
            f"sha256 {model.model_digest[:16]}…"
        )


@embedding.command("remove")
def remove(as_user: AsUser = None) -> None:
    """Go back to the built-in embedding."""
    from knowledge.sentence_model import remove_model
    from service.console import write_text
    from service.sign_in import Right, require

    with signed_in(as_user) as (house, user):
        require(user, Right.OPERATE)
        removed = remove_model(house.toolbox.knowledge_root)
    write_text("back to the built-in embedding" if removed else "no sentence model was installed")


@embedding.command("show")
def show(as_json: AsJson = False, as_user: AsUser = None) -> None:
    """Say which embedding is used, and all its vectors depend on."""
    from knowledge.sentence_model import open_embedding
    from service.console import write_text

    with signed_in(as_user) as (house, _):
        used = open_embedding(house.toolbox.knowledge_root)
    if as_json:
        write_text(json.dumps(used.config, indent=2, sort_keys=True))
    else:
        write_text("\n".join(f"{key}: {value}" for key, value in used.config.items()))


def _table(judged: Sequence[Judged]) -> Table:
    from rich.table import Table

    from knowledge.evaluation import figures, figures_by_kind

    table = Table("kind", "questions", "recall@5", "nDCG@10", "wrong version", "wrong place", "unanswered")
    for kind, row in (*figures_by_kind(judged).items(), ("all", figures(judged))):
        table.add_row(kind, str(row.questions), *map(_shown, _means(row)))
    return table


def _means(row: Figures) -> tuple[float | None, ...]:
    return row.recall, row.ndcg, row.wrong_version_rate, row.wrong_place_rate, row.unanswered


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _as_data(used: Embedding, judged: Sequence[Judged], shown: Sequence[Judged]) -> dict[str, object]:
    from knowledge.evaluation import figures, figures_by_kind

    return {
        "embedding": used.config,
        "all": asdict(figures(judged)),
        "kinds": {kind: asdict(row) for kind, row in figures_by_kind(judged).items()},
        "worst": [
            {
                "id": each.question.question_id,
                "kind": each.question.kind,
                "question": each.question.text,
                "recall": each.recall,
                "ndcg": each.ndcg,
                "wanted": sorted(each.question.needed),
                "found": list(each.found),
                "wrong_version": list(each.wrong_version),
                "wrong_place": list(each.wrong_place),
            }
            for each in shown
        ],
    }
