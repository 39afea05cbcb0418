"""Checks the house this file is in: one line a finding, exit 1 if there are any."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.house import codes, middlewares, papers, shape
from tools.house.sources import Finding, House

Rule = Callable[[House], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    shape.long_files,
    shape.long_functions,
    shape.empty_names,
    shape.no_docstrings,
    shape.left_overs,
    middlewares.out_of_order,
    middlewares.untested,
    middlewares.acquainted,
    codes.shared_codes,
    papers.stale_pages,
    papers.dead_links,
    papers.dead_paths,
)


def main() -> int:
    """Print the findings; return the exit code."""
    house = House(Path(__file__).parents[2])
    findings = [finding for rule in RULES for finding in rule(house)]
    for finding in findings:
        print(finding)
    print(f"House: {len(RULES)} rules, {len(house.sources)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
