"""Are written rules found? A public collection beside bm25s, our own questions, and ten thousand passages timed.

    python -m benchmarks.retrieval                      our questions, and the times
    python -m benchmarks.retrieval --data DIR           also Cranfield: documents.jsonl, queries.jsonl, judgements.csv
    python -m benchmarks.retrieval --data DIR --write   also write the table in benchmarks/results
    python -m benchmarks.retrieval --embedding DIR      all of it with a sentence model: model.onnx, tokenizer.json
                                                        (benchmarks.minilm makes one; written to a table of its own)

The collection is measured, never shipped. bm25s runs in the same process on the same texts, with its own defaults, the
English stemmer of PyStemmer and its list of stop words. Both sides are judged by the same nDCG.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import platform
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from os import cpu_count
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from knowledge import KnowledgeBase, SourceDocument
from knowledge.embedding import Embedding
from knowledge.evaluation import Judged, Question, figures, figures_by_kind, judge_base, ndcg, read_questions
from knowledge.passages import take_out_phrases
from knowledge.sentence_model import install_model
from knowledge.word_vectors import word_vectors
from service.evaluation.retrieval_set import SET, set_documents, set_questions

DAY = date(2024, 4, 8)
PASSAGES = 10_000
SEED = 20240408
RESULTS = Path(__file__).parent / "results" / "retrieval.md"
WITH_A_MODEL = RESULTS.with_name("retrieval_with_a_sentence_model.md")
WRITTEN_AFTERWARDS = ("unseen_questions.jsonl", "second_unseen_questions.jsonl")

Search = Callable[[str], list[str]]
T = TypeVar("T")


@dataclass(frozen=True)
class Collection:
    """A test collection: texts, queries and grades, each by id."""

    titles: Mapping[str, str]
    texts: Mapping[str, str]
    queries: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]


def read_collection(folder: Path) -> Collection:
    """A collection from its three files, every text as it stands."""
    documents = [json.loads(line) for line in (folder / "documents.jsonl").read_text("utf-8").splitlines()]
    queries = [json.loads(line) for line in (folder / "queries.jsonl").read_text("utf-8").splitlines()]
    grades: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "judgements.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            grades[row["query"]][row["document"]] = int(row["grade"])
    return Collection(
        {str(each["id"]): each["title"] for each in documents},
        {str(each["id"]): each["text"] for each in documents},
        {str(each["id"]): each["text"] for each in queries},
        grades,
    )


def our_search(collection: Collection, folder: Path, embedding: Embedding) -> Search:
    """The knowledge base over a collection: one document, one passage."""
    documents = [
        SourceDocument(f"D{key}", collection.titles[key] or "untitled", 1, " ".join(text.split()) or "empty", DAY)
        for key, text in collection.texts.items()
    ]
    base = KnowledgeBase(documents, folder, embedding)
    return lambda query: [each.passage.document_id.removeprefix("D") for each in base.search(query, on=DAY, limit=10)]


def peer_search(collection: Collection) -> Search:
    """bm25s with a stemmer and stop words over title and text."""
    bm25s: Any = importlib.import_module("bm25s")
    stemming: Any = importlib.import_module("Stemmer")

    keys = list(collection.texts)
    stemmer = stemming.Stemmer("english")
    corpus = [f"{collection.titles[key]} {collection.texts[key]}" for key in keys]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(corpus, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)

    def search(query: str) -> list[str]:
        tokens = bm25s.tokenize(query, stopwords="en", stemmer=stemmer, show_progress=False)
        found, _ = index.retrieve(tokens, k=10, show_progress=False)
        return [keys[place] for place in found[0]]

    return search


def mean_ndcg(collection: Collection, search: Search) -> tuple[float, int]:
    """Mean nDCG@10 over the queries that have a relevant document, and how many they are."""
    gains = [
        ndcg(search(text), collection.grades[key], 10)
        for key, text in collection.queries.items()
        if any(grade > 0 for grade in collection.grades[key].values())
    ]
    return fmean(gains), len(gains)


def parts_of(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """The half of the questions weights were chosen on, the other half, and those the vocabulary's author had not read.

    The author of the vocabulary had read the questions before Q077 and from Q118 to Q181 when writing it.
    """
    tuned = set(random.Random(SEED).sample(range(len(judged)), len(judged) // 2))
    unread = [each for each in judged if 77 <= int(each.question.question_id[1:]) <= 117]
    unread += [each for each in judged if int(each.question.question_id[1:]) >= 182]
    return {
        "half the weights were chosen on": [each for place, each in enumerate(judged) if place in tuned],
        "the other half": [each for place, each in enumerate(judged) if place not in tuned],
        "not read when the vocabulary was written": unread,
    }


def many_passages(count: int) -> list[SourceDocument]:
    """Rules of the set written again and again with their sentences in other places, ``count`` passages and more."""
    random_order = random.Random(SEED)
    originals = [_without_phrases(each) for each in set_documents()]
    sentences = [line for each in originals for line in each.text.splitlines() if line[:1].isdigit()]
    documents: list[SourceDocument] = []
    while count > 0:
        original = originals[len(documents) % len(originals)]
        clauses = original.text.count("\n\n") // 2 + 4
        body = "\n\n".join(
            f"{1 + n // 5}.{1 + n % 5} {random_order.choice(sentences).partition(' ')[2]}" for n in range(clauses)
        )
        documents.append(replace(original, document_id=f"{original.document_id}-{len(documents)}", text=body))
        count -= clauses
    return documents


def _without_phrases(document: SourceDocument) -> SourceDocument:
    return replace(document, text=take_out_phrases(document.text)[0])


def timed(questions: Sequence[Question], folder: Path, embedding: Embedding) -> list[tuple[str, str]]:
    """Build, reopen, rebuild and search ten thousand passages; rows of a table."""
    documents = many_passages(PASSAGES)
    build, base = _seconds(lambda: KnowledgeBase(documents, folder, embedding))
    reopen, _ = _seconds(lambda: KnowledgeBase(documents, folder, embedding))
    before = [base.search(each.text, on=each.on, limit=10) for each in questions]
    rebuild, _ = _seconds(base.rebuild)
    times, after = [], []
    for each in questions:
        seconds, found = _seconds(partial(base.search, each.text, on=each.on, limit=10))
        times.append(seconds)
        after.append(found)
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    return [
        ("passages, versions of documents", f"{len(base.passages):,}, {len(documents):,}"),
        ("first build", f"{build:.1f} s"),
        ("opened again", f"{reopen:.1f} s"),
        ("vectors rebuilt", f"{rebuild:.1f} s"),
        ("a search, half of them", f"{p50:.1f} ms"),
        ("a search, 95 in 100", f"{p95:.1f} ms"),
        ("lists that differ after the rebuild", str(sum(one != two for one, two in zip(before, after, strict=True)))),
    ]


def _seconds(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def report(data: Path | None, model: Path | None) -> str:
    """Everything measured, as Markdown."""
    with TemporaryDirectory() as folder:
        embedding = install_model(model, Path(folder)) if model else word_vectors()
        return _measured(data, embedding, Path(folder))


def _measured(data: Path | None, embedding: Embedding, folder: Path) -> str:
    parts = [
        "# Retrieval of written rules",
        f"`python -m benchmarks.retrieval`, {datetime.now(UTC):%d %B %Y}, {cpu_count()} processors, "
        f"{platform.system()}, Python {platform.python_version()}, embedding {embedding.config['name']}.",
    ]
    questions = set_questions()
    base = KnowledgeBase(set_documents(), folder / "set", embedding)
    plain = KnowledgeBase(map(_without_phrases, set_documents()), folder / "plain", embedding)
    judged = judge_base(base, questions)
    beside = {"all, without the phrases": judge_base(plain, questions)}
    for name in WRITTEN_AFTERWARDS:
        others, title = read_questions((SET / name).read_text("utf-8")), name.partition(".")[0].replace("_", " ")
        beside |= {title: judge_base(base, others), f"{title}, without the phrases": judge_base(plain, others)}
    rows = [
        [kind, str(row.questions), *map(_shown, (row.recall, row.ndcg))]
        + [f"{each:.3f}" for each in (row.wrong_version_rate, row.wrong_place_rate, row.unanswered)]
        for kind, row in (
            *figures_by_kind(judged).items(),
            ("all", figures(judged)),
            *((name, figures(part)) for name, part in (parts_of(judged) | beside).items()),
        )
    ]
    head = ["kind", "questions", "recall@5", "nDCG@10", "wrong version", "wrong place", "unanswered"]
    parts += [f"## Our questions, {len(base.passages):,} passages", _table(head, rows)]
    if data:
        collection = read_collection(data)
        ours, count = mean_ndcg(collection, our_search(collection, folder / "collection", embedding))
        peer, _ = mean_ndcg(collection, peer_search(collection))
        parts += [
            f"## Cranfield, {len(collection.texts):,} documents, {count} queries",
            _table(["search", "nDCG@10"], [["ours", f"{ours:.4f}"], ["bm25s with a stemmer", f"{peer:.4f}"]]),
        ]
    parts += ["## Ten thousand passages", _table(["what", "figure"], timed(questions, folder / "many", embedding))]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a test collection, Cranfield for one")
    parser.add_argument("--write", action="store_true", help="write the table in benchmarks/results as well")
    parser.add_argument(
        "--embedding", type=Path, metavar="DIR", help="a sentence model in place of the built-in embedding"
    )
    given = parser.parse_args()
    found = report(given.data, given.embedding)
    print(found)
    if given.write:
        (WITH_A_MODEL if given.embedding else RESULTS).write_text(found, "utf-8")


if __name__ == "__main__":
    main()
