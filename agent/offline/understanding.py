"""From words to calls: what a message asks for, what is missing from it, and what must be refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from agent.offline import words
from agent.offline.arguments import Clause, Doubt, read_arguments
from agent.offline.clauses import is_asking, pairs, sentences
from agent.offline.completing import missing, several
from agent.offline.directory import Directory
from agent.offline.following import SUBJECTS, continued, continues, remember, supposes_anew, turned_round
from agent.offline.intents import SURE, Meant, meant
from agent.offline.memory import Call, Memory, everywhere
from agent.offline.mentions import read_mentions
from agent.offline.reading import Reading
from agent.offline.refusals import refused
from agent.offline.spelling import corrected, folded, in_capitals

SPLIT = 7.0
"""Weight from which half a sentence is a question of its own."""
ALONE = frozenset({"find_rules", "held_back", "kpis", "waiting_approvals", "summary", "tasks", "overrides"})
"""Tools that need no item or site of their own."""


@dataclass
class Plan:
    """What a message comes to."""

    calls: list[Call] = field(default_factory=list)
    clarify: Doubt | None = None
    refusals: list[str] = field(default_factory=list)
    smalltalk: str = ""
    """``greeting``, ``thanks`` or ``help``; empty when something was asked."""
    open_call: Call | None = None
    """What would have been called, were nothing missing."""


@dataclass(frozen=True)
class Understanding:
    """Reads messages in the names of one company on one day."""

    directory: Directory
    today: date
    capitals: frozenset[str] = frozenset()
    """Words the message being read has in capitals, folded: of those an id is an id, whatever else the word means."""

    def plan(self, said: str, memory: Memory) -> Plan:
        """What a message comes to after the turns before it."""
        return replace(self, capitals=in_capitals(said))._planned(said, memory)

    def _planned(self, said: str, memory: Memory) -> Plan:
        reading = self.read(said)
        refusals = refused(reading.masked)
        if refusals:
            return self._beside(reading, said, list(refusals), set(refusals.values()), memory)
        talk = meant(reading.masked)
        if talk and talk[0].intent.tool == "smalltalk" and talk[0].weight >= 10:
            return Plan(smalltalk=talk[0].intent.name.removeprefix("talk."))
        parts = self._parts(said, memory)
        plan = Plan()
        for part in parts:
            one = self._one(part, memory.with_calls(said, plan.calls))
            plan.calls += [call for call in one.calls if call not in plan.calls]
            plan.clarify = plan.clarify or one.clarify
            plan.open_call = plan.open_call or one.open_call
            plan.refusals += one.refusals
        if plan.clarify is not None:
            plan.calls = []
        return plan

    def read(self, said: str) -> Reading:
        """The mentions of some words, misspelt ones put right."""
        text = corrected(folded(said), words.vocabulary(), self.directory.words)
        return read_mentions(text, self.directory, self.today, self.capitals)

    def _beside(self, reading: Reading, said: str, reasons: list[str], refused_parts: set[str], memory: Memory) -> Plan:
        """The legitimate part of a message of which something is refused."""
        plan = Plan(refusals=reasons)
        for sentence in sentences(folded(said)):
            masked = self.read(sentence).masked
            part = sentence if masked not in refused_parts else self._asked_before(sentence)
            if part and is_asking(part) and not part.startswith("the "):
                found = meant(self.read(part).masked)
                if found and found[0].weight >= SPLIT and found[0].intent.tool != "smalltalk":
                    plan.calls += self._one(part, memory.with_calls(said, plan.calls)).calls
        return plan

    def _asked_before(self, sentence: str) -> str:
        """What stands before the joint from which on a sentence is refused."""
        for left, right in pairs(sentence):
            if refused(self.read(right).masked) and not refused(self.read(left).masked):
                return left
        return ""

    def _parts(self, said: str, memory: Memory) -> list[str]:
        """The questions of a message: sentences, or halves of one, that ask different tools."""
        asked: list[str] = []
        tools: list[str] = []
        for sentence in sentences(said):
            for part in self._halves(sentence, memory):
                found = meant(self.read(part).masked, self._remembered(memory))
                weight, tool = (found[0].weight, found[0].intent.tool) if found else (0.0, "")
                own = is_asking(folded(part)) and weight >= SURE and tool != "smalltalk"
                if own and tool not in tools and (not tools or self._stands_alone(part, tool)):
                    asked.append(part)
                    tools.append(tool)
        return asked if len(asked) > 1 else [said]

    def _halves(self, sentence: str, memory: Memory) -> list[str]:
        for left, right in pairs(sentence):
            first = meant(self.read(left).masked, self._remembered(memory))
            second = meant(self.read(right).masked, self._remembered(memory))
            if not first or not second or first[0].intent.tool == second[0].intent.tool:
                continue
            strong = first[0].weight >= SURE and second[0].weight >= SPLIT
            asks = is_asking(folded(left)) and is_asking(folded(right))
            if (
                strong
                and asks
                and first[0].intent.tool != "what_if"
                and self._stands_alone(right, second[0].intent.tool)
            ):
                return [left, right]
        return [sentence]

    def _stands_alone(self, part: str, tool: str) -> bool:
        reading = self.read(part)
        return tool in ALONE or any(reading.of(mark) for mark in SUBJECTS)

    def _remembered(self, memory: Memory) -> set[str]:
        marks = {"item": "ITEM", "site": "SITE", "supplier": "SUPP", "case": "CASE", "reference": "REF"}
        return {mark for name, mark in marks.items() if memory.last(name) is not None}

    def _one(self, said: str, memory: Memory) -> Plan:
        """One question."""
        reading = self.read(said)
        found = self._meant(reading.masked, memory)
        if memory.newest is not None:
            earlier = self._earlier(memory)
            if earlier is not None and (continues(reading, found) or supposes_anew(reading, found, earlier)):
                clause = Clause(earlier.name, reading, said, self.directory.names, self.today)
                before = self.read(memory.newest.said).masked
                return _completed(clause, continued(earlier, clause, memory, before))
        if not found or found[0].weight < SURE or found[0].intent.tool == "smalltalk":
            return self._unclear(reading, said, found, memory)
        return self._asked(found[0].intent.tool, reading, said, memory)

    def _meant(self, masked: str, memory: Memory) -> list[Meant]:
        """What is meant; a sentence that asks counts beside the whole message, one that only tells does not."""
        remembered = self._remembered(memory)
        whole = meant(masked, remembered)
        asking = [sentence for sentence in sentences(masked) if is_asking(sentence) or sentence.endswith("?")]
        if not asking or len(asking) == len(sentences(masked)):
            return whole
        weights = {each.intent.tool: each.weight for each in meant(" ".join(asking), remembered)}
        found = [Meant(each.intent, each.weight + weights.get(each.intent.tool, 0.0)) for each in whole]
        return sorted(found, key=lambda each: (-each.weight, each.intent.name))

    def _asked(self, tool: str, reading: Reading, said: str, memory: Memory) -> Plan:
        clause = Clause(tool, reading, said, self.directory.names, self.today)
        given = read_arguments(clause)
        remember(clause, given, memory)
        if tool == "lane" and memory.newest is not None and not reading.of("SITE") and _TURNED.search(reading.masked):
            given = turned_round(given)
        return _completed(clause, given)

    def _earlier(self, memory: Memory) -> Call | None:
        """What the turn before asked: its last call, or what it would have called had nothing been missing."""
        newest = memory.newest
        if newest is None:
            return None
        if newest.calls:
            return newest.calls[-1]
        before = self.plan(newest.said, Memory(memory.turns[:-1]))
        return before.open_call or (before.calls[-1] if before.calls else None)

    def _unclear(self, reading: Reading, said: str, found: list[Meant], memory: Memory) -> Plan:
        """Nothing is plain: a bare item or case is shown, words about nothing here are outside the field."""
        marks = {mention.mark for mention in reading.mentions}
        bare = not re.sub(_BARE, "", reading.masked)
        if bare and "ITEM" in marks:
            return self._asked(
                "stock_position" if "SITE" in marks or everywhere(reading.text) else "item_facts", reading, said, memory
            )
        if found and found[0].weight >= 3 and found[0].intent.tool != "smalltalk":
            return self._asked(found[0].intent.tool, reading, said, memory)
        of_field = words.pattern(words.table("lexicon")["field"]["words"]).search(reading.masked)
        if marks & {*SUBJECTS, "ROLE"} or found or memory.turns or of_field:
            return Plan(clarify=Doubt("question"))
        return Plan(refusals=["out_of_field"])


_BARE = r"[A-Z]{3,5}|[^a-z]|\b(?:at|in|the|of|for|and|on|please|about|what|everywhere|all|sites)\b"
_TURNED = re.compile(r"\b(?:other way|back|reverse|opposite|return|turned)\b")


def _completed(clause: Clause, given: dict[str, Any]) -> Plan:
    """The calls, or what must be asked first."""
    doubt = missing(clause.tool, given)
    if doubt is not None:
        return Plan(clarify=doubt, open_call=Call(clause.tool, given))
    return Plan(calls=[Call(clause.tool, each) for each in several(clause, given)])
