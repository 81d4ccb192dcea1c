"""Settings are read once, secrets have no default, and a home is made whole or not at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

import service
from inventory.people import list_users
from inventory.records import EVERYTHING
from inventory.rulebook import find_policy
from service.bootstrap import House, init_home, open_home
from service.errors import HomeError, SettingsError
from service.home import FileClock, HomeKind, Layout
from service.settings import Settings, read_settings, unknown_variables

START = datetime(2024, 4, 8, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"EVENKEEL_{name.upper()}", raising=False)


def test_a_secret_has_no_default_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().token is None
    monkeypatch.setenv("EVENKEEL_TOKEN", "ek_verysecret")
    settings = read_settings()
    assert settings.token is not None
    assert settings.token.get_secret_value() == "ek_verysecret"
    assert "verysecret" not in repr(settings)
    assert "verysecret" not in settings.model_dump_json()


def test_an_impossible_setting_is_named_and_its_value_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENKEEL_ERP", "sap-hunter2")
    with pytest.raises(SettingsError, match="EVENKEEL_ERP") as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().home = Path("elsewhere")  # type: ignore[misc]  # what the test forbids


def test_only_the_settings_read_the_environment() -> None:
    folder = Path(service.__file__).parent
    readers = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if re.search(r"\benviron\b|\bgetenv\b", path.read_text("utf-8"))
    }
    assert readers <= {"settings.py", "doctor.py"}
    assert "read_settings()" in (folder / "commands" / "options.py").read_text("utf-8")


def test_a_misspelt_variable_is_found() -> None:
    assert unknown_variables({"EVENKEEL_TOKEN": "", "EVENKEEL_HMOE": "", "PATH": ""}) == ["EVENKEEL_HMOE"]


def test_a_home_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EVENKEEL_HOME", "~/keel")
    assert read_settings().home == tmp_path / "keel"


def test_a_new_home_has_policies_and_the_service_user(tmp_path: Path) -> None:
    house = init_home(tmp_path / "home", HomeKind.PRODUCTION)
    with house.database.read() as connection:
        assert find_policy(connection, EVERYTHING, "approval").version == 1
        assert find_policy(connection, EVERYTHING, "thresholds").version == 1
        assert [user.user_id for user in list_users(connection, EVERYTHING)] == ["evenkeel"]
    house.close()


def test_a_home_is_made_once(tmp_path: Path) -> None:
    init_home(tmp_path, HomeKind.DEMO, START).close()
    with pytest.raises(HomeError, match="already"):
        init_home(tmp_path, HomeKind.DEMO, START)


def test_a_home_half_made_is_no_home_and_can_be_made_again(tmp_path: Path) -> None:
    init_home(tmp_path, HomeKind.DEMO, START).close()
    Layout(tmp_path).marker.unlink()
    with pytest.raises(HomeError, match="no Evenkeel home"):
        open_home(Settings(home=tmp_path))
    again = init_home(tmp_path, HomeKind.DEMO, START)
    with again.database.read() as connection:
        assert find_policy(connection, EVERYTHING, "approval").version == 1
    again.close()


@pytest.mark.parametrize(("kind", "clock"), [(HomeKind.DEMO, None), (HomeKind.PRODUCTION, START)])
def test_only_a_demo_home_takes_a_clock(tmp_path: Path, kind: HomeKind, clock: datetime | None) -> None:
    with pytest.raises(HomeError, match="clock"):
        init_home(tmp_path, kind, clock)


def test_every_process_sees_the_demo_clock_move(tmp_path: Path) -> None:
    first = init_home(tmp_path, HomeKind.DEMO, START)
    second = open_home(Settings(home=tmp_path))
    first.advance(36)
    assert second.clock() == START + timedelta(hours=36)
    with pytest.raises(HomeError, match="forward"):
        second.advance(-1)
    first.close()
    second.close()


def test_a_damaged_clock_is_named(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("2024-04-08T06:00:00")
    with pytest.raises(HomeError, match="no offset"):
        FileClock(tmp_path / "clock")()


def test_a_production_home_has_no_demo_clock_and_no_erp_by_itself(tmp_path: Path) -> None:
    house = init_home(tmp_path, HomeKind.PRODUCTION)
    with pytest.raises(HomeError, match="production"):
        house.advance(1)
    erp = house.dispatch_desk.toolbox.erp
    assert erp is not None
    assert erp.capabilities.actions == frozenset(), "people carry everything out"
    assert not erp.capabilities.native_key
    assert house.rollout == "guided"
    house.close()


def test_only_the_dispatching_desk_holds_the_erp(house: House) -> None:
    assert house.desk.toolbox.erp is None
    assert house.dispatch_desk.toolbox.erp is not None
