from pathlib import Path

from sluicegate.settings.honoured import ASKING_NOTHING, HONOURED
from sluicegate.settings.own import Cluster, Ejection, Prometheus, Sluicegate
from sluicegate.settings.reference import meanings, render
from sluicegate.settings.shape import fields_of, is_section, leaves

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == render(), "run: python -m sluicegate.settings.reference > docs/reference/settings.md"


def test_each_setting_of_our_own_is_explained() -> None:
    for section in (Cluster, Ejection, Prometheus, Sluicegate):
        names = {field for field, type_, _ in fields_of(section).values() if not is_section(type_)}
        assert names == set(meanings(section))


def test_the_list_of_honoured_settings_names_only_what_there_is() -> None:
    known = set(leaves())
    known |= {path.rpartition(".")[0] for path in known}
    assert known >= HONOURED and known >= ASKING_NOTHING
    assert not HONOURED & ASKING_NOTHING
