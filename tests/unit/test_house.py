"""Each rule of the house finds what it forbids, and leaves alone what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.house import codes, middlewares, papers, shape
from tools.house.sources import House

ORDER = "src/sluicegate/middleware/__init__.py"
ONE = "src/sluicegate/middleware/access/one.py"
TWO = "src/sluicegate/middleware/access/two.py"

MIDDLEWARE = '"""A step."""\nfrom sluicegate.chain.middleware import Middleware\nclass {name}(Middleware):\n    pass\n'
LONG_FUNCTION = '"""Doc."""\ndef f() -> None:\n' + "    print()\n" * 60
BOTH_IN_ORDER = '"""Doc."""\nORDER: tuple = (One,)\nRESPONSE_ORDER: tuple = (Two,)\n'
TEST_OF_BOTH = "from sluicegate.middleware.access import one\nfrom sluicegate.middleware.access.two import Two\n"
IMPORT_OF_ONE = "from sluicegate.middleware.access.one import One\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A house that keeps all rules."""
    write(tmp_path, ORDER, BOTH_IN_ORDER)
    write(tmp_path, ONE, MIDDLEWARE.format(name="One"))
    write(tmp_path, TWO, MIDDLEWARE.format(name="Two"))
    write(tmp_path, "tests/unit/middleware/access/test_both.py", TEST_OF_BOTH)
    write(
        tmp_path, "README.md", "See [the code](src/sluicegate/middleware/__init__.py) and `middleware/access/one.py`.\n"
    )
    return tmp_path


def write(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


RULES = {
    "long file": (shape.long_files, "src/a.py", '"""Doc."""\n' + "x = 1\n" * 400),
    "long function": (shape.long_functions, "src/a.py", LONG_FUNCTION),
    "empty name of a file": (shape.empty_names, "src/utils.py", '"""Doc."""\n'),
    "empty name of a folder": (shape.empty_names, "tests/helpers/a.py", '"""Doc."""\n'),
    "no docstring": (shape.no_docstrings, "src/a.py", "x = 1\n"),
    "left over": (shape.left_overs, "src/a.py", '"""Doc."""\n# TO' + "DO: more\n"),
    "in no chain": (middlewares.out_of_order, TWO, MIDDLEWARE.format(name="Lost")),
    "no test": (middlewares.untested, "tests/unit/middleware/access/test_both.py", IMPORT_OF_ONE),
    "knows another": (middlewares.acquainted, TWO, MIDDLEWARE.format(name="Two") + IMPORT_OF_ONE),
    "shared code": (
        codes.shared_codes,
        "src/a.py",
        'A = Rejection(400, "m", "c")\nB = Rejection(401, "n", code="c")\n',
    ),
    "dead link": (papers.dead_links, "docs/a.md", "[there](../nowhere.md)\n"),
    "dead path": (papers.dead_paths, "docs/a.md", "See `listener/nowhere.py`.\n"),
}


@pytest.mark.parametrize(("rule", "file", "text"), RULES.values(), ids=RULES)
def test_a_rule_finds_what_it_forbids(root: Path, rule, file: str, text: str) -> None:
    assert list(rule(House(root))) == []

    write(root, file, text)

    assert len(list(rule(House(root)))) == 1


def test_a_finding_says_where(root: Path) -> None:
    write(root, "src/a.py", LONG_FUNCTION)
    (finding,) = shape.long_functions(House(root))
    assert str(finding) == "src/a.py:2: f: 61 lines, more than 60"


def test_outside_links_and_anchors_are_not_followed(root: Path) -> None:
    write(root, "docs/a.md", "[a](https://example.org/x) [b](#there) [c](../README.md#top)\n")
    assert list(papers.dead_links(House(root))) == []
