"""The brief: what it counts, what it says in three forms, and that words from outside stay words."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agent.brief import Brief, make_brief
from agent.decisions import Decision
from inventory.chronicle import insert_override, save_feed_health
from inventory.people import find_user, scope_of
from inventory.records import EVERYTHING, FeedHealth, Override, ReasonCode, Scope
from service.bootstrap import House
from service.brief_html import brief_html
from service.brief_text import brief_markdown, brief_text, headline, sections
from tests.service.doors import MANAGER, PLANNER, Doors, a_transfer

HOSTILE = '<script>alert(1)</script> [click](javascript:1) | **bold** & "quoted" `code` ![x](http://evil.test/x)'
SECTIONS = ["Most money at risk", "Waiting for approval", "Open questions", "Done automatically in the last 24 hours",
            "Supplier watch", "Changes of segment", "Data health", "Overrides in the last 24 hours", "Figures",
            "Held back"]  # fmt: skip


def _brief(house: House, scope: Scope = EVERYTHING) -> Brief:
    current = house.toolbox.snapshot()
    with house.database.read() as connection:
        return make_brief(connection, scope, house.clock(), current.as_of)


def _overrule(house: House, words: str) -> None:
    proposal = a_transfer(house)
    with house.database.write(PLANNER, house.clock()) as transaction:
        insert_override(
            transaction,
            Override(
                proposal_id=proposal.proposal_id, case_id=proposal.content.case_id, by=PLANNER, decision="reject",
                reason=ReasonCode.DISTRUST, text=words, at=transaction.now,
            ),
        )  # fmt: skip


def test_the_same_store_at_the_same_moment_gives_the_same_brief(house: House) -> None:
    assert _brief(house) == _brief(house)


def test_every_form_has_every_section(house: House) -> None:
    brief = _brief(house)
    assert [section.title for section in sections(brief)][1:] == SECTIONS
    for written in (brief_text(brief), brief_markdown(brief), brief_html(brief)):
        assert all(title in written for title in SECTIONS)


def test_the_brief_counts_what_waits(house: House) -> None:
    brief = _brief(house)
    assert brief.counts is not None
    assert brief.open_cases == brief.new_cases == brief.counts.found
    assert sum(waiting.proposals for waiting in brief.waiting) == brief.needs_decision > 0
    risks = [case.money_at_risk_minor for case in brief.top]
    assert risks == sorted(risks, reverse=True)
    assert sum(risks) <= brief.money_at_risk_minor
    assert f"{brief.needs_decision} need a decision" in headline(brief)


def test_an_open_question_stands_in_the_brief_until_it_is_answered(house: House) -> None:
    proposal = a_transfer(house)
    with house.database.read() as connection:
        asker, asked = (find_user(connection, EVERYTHING, user_id) for user_id in (PLANNER, MANAGER))
    said = {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12]}
    asking = {**said, "verb": "ask", "to": MANAGER, "text": "Is <b>this</b> lane open on Friday?"}
    house.desk.decide(Decision.model_validate(asking), asker)
    house.advance(3)
    (waiting,) = _brief(house).questions
    assert (waiting.asked_by, waiting.asked_of, waiting.proposal_id) == (PLANNER, MANAGER, proposal.proposal_id)
    assert waiting.hours == pytest.approx(3)
    brief = _brief(house)
    assert "Is <b>this</b> lane open on Friday?" in brief_text(brief)
    assert "<b>this</b>" not in brief_html(brief)
    elsewhere = Scope(user="x", sites=frozenset({"NOWHERE"}))
    assert _brief(house, elsewhere).questions == ()

    answer = {**said, "verb": "answer", "text": "It is."}
    house.desk.decide(Decision.model_validate(answer), asked)
    assert _brief(house).questions == ()


def test_a_day_later_nothing_is_new_and_the_oldest_has_waited_a_day(house: House) -> None:
    house.advance(25)
    brief = _brief(house)
    assert brief.new_cases == 0
    assert brief.automatic == ()
    assert max(waiting.oldest_hours for waiting in brief.waiting) == pytest.approx(25)


def test_what_ran_by_itself_can_be_recalled_until_its_window_ends(house: House) -> None:
    before = _brief(house)
    assert before.automatic_holds > 0
    house.advance(1)
    assert all(done.recall_until is None for done in _brief(house).automatic)


def test_an_unsound_feed_costs_a_site_its_autonomy(house: House) -> None:
    snapshot, now = house.toolbox.snapshot(), house.clock()
    feeds = [
        FeedHealth(feed="stock", site=site, as_of=now - timedelta(hours=age), age_hours=age, score=score,
                   problems=(f"{age:.0f} h old",))
        for site, age, score in (
            ("DC-EAST", 10.0, 0.9), ("DC-WEST", 10.0, 0.7), ("ST-PINE", 10.0, 0.2),
            ("WH-SOUTH", 30.0, 0.9), ("PL-NORTH", 80.0, 0.9),
        )
    ]  # fmt: skip
    with house.database.write("evenkeel", now) as transaction:
        save_feed_health(transaction, snapshot.snapshot_id, feeds)
    found = {site.site: site.autonomy for site in _brief(house).sites}
    assert found == {"DC-EAST": "unchanged", "DC-WEST": "a planner decides", "ST-PINE": "advice only",
                     "WH-SOUTH": "a planner decides", "PL-NORTH": "advice only"}  # fmt: skip


def test_a_planner_reads_of_their_own_sites_only(house: House) -> None:
    _overrule(house, "not for everybody")
    with house.database.read() as connection:
        cara = scope_of(find_user(connection, EVERYTHING, "cara.planner"))
    mine, everybody = _brief(house, cara), _brief(house)
    assert 0 < mine.open_cases < everybody.open_cases
    assert mine.money_at_risk_minor < everybody.money_at_risk_minor
    assert len(everybody.overrides) == 1
    assert mine.overrides == ()
    assert {figure.site for figure in mine.kpis} <= set(cara.sites or ())


class _Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_words_from_people_stay_words_on_the_page(house: House) -> None:
    _overrule(house, HOSTILE)
    page = brief_html(_brief(house))
    seen = _Seen(page)
    assert HOSTILE in seen.text
    assert {tag for tag, _ in seen.tags} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td"
    }  # fmt: skip


def test_the_page_loads_nothing_from_anywhere(house: House) -> None:
    page = brief_html(_brief(house))
    seen = _Seen(page)
    assert not any({"src", "href", "onload", "onerror"} & set(attributes) for _, attributes in seen.tags)
    assert "url(" not in page
    assert any("default-src 'none'" in str(attributes.get("content")) for _, attributes in seen.tags)


def test_words_from_people_stay_words_in_markdown(house: House) -> None:
    _overrule(house, HOSTILE)
    line = next(line for line in brief_markdown(_brief(house)).splitlines() if "alert" in line)
    assert not re.search(r"(?<!\\)[<>`\[\]*!]", line)
    assert len(re.findall(r"(?<!\\)\|", line)) == 6, "five cells"


def test_characters_a_terminal_would_obey_are_dropped(house: House) -> None:
    _overrule(house, "fine‮\u200b words")
    assert "fine words" in brief_text(_brief(house))


def test_the_brief_is_written_to_a_file_in_each_form(doors: Doors, tmp_path: Path) -> None:
    for form, beginning in (("text", "Evenkeel brief"), ("markdown", "# Evenkeel brief"), ("html", "<!doctype html>")):
        file = tmp_path / form
        result = doors.knock("brief", "--format", form, "--output", str(file), "--as", MANAGER)
        assert result.exit_code == 0
        assert file.read_text("utf-8").startswith(beginning)
