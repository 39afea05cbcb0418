import re
from pathlib import Path

import sluicegate
from sluicegate.settings.honoured import ASKING_NOTHING, HONOURED, is_honoured
from sluicegate.settings.own import Cluster, Ejection, Prometheus, Sluicegate, StoreFailure
from sluicegate.settings.reference import meanings, render
from sluicegate.settings.shape import fields_of, is_section, leaves

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == render(), "run: python -m sluicegate.settings.reference > docs/reference/settings.md"


def test_each_setting_of_our_own_is_explained() -> None:
    for section in (Cluster, Ejection, Prometheus, Sluicegate, StoreFailure):
        names = {field for field, type_, _ in fields_of(section).values() if not is_section(type_)}
        assert names == set(meanings(section))


def test_the_list_of_honoured_settings_names_only_what_there_is() -> None:
    known = set(leaves())
    known |= {path.rpartition(".")[0] for path in known}
    assert known >= HONOURED and known >= ASKING_NOTHING
    assert not HONOURED & ASKING_NOTHING


def test_what_counts_as_honoured_is_read_somewhere() -> None:
    root = Path(sluicegate.__file__).parent
    files = [file for file in root.rglob("*.py") if "settings" not in file.relative_to(root).parts]
    read = set(re.findall(r"\.([a-z]\w*)", "\n".join(file.read_text() for file in files)))
    assert [path for path in leaves() if is_honoured(path) and path.rpartition(".")[2] not in read] == []


def test_the_page_says_of_what_does_nothing_that_it_does_nothing() -> None:
    silent = {path: leaves()[path] for path in ASKING_NOTHING}
    told = {path: meanings(leaf.section)[leaf.field] for path, leaf in silent.items()}
    assert [path for path, meaning in told.items() if not meaning.startswith("Without effect")] == []
