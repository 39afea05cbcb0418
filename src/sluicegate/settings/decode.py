"""The configuration file, as Go reads it (contract 01.1), with a finding for all that is not right in it."""

from __future__ import annotations

import difflib
import re

from sluicegate.errors import ConfigError
from sluicegate.settings.convert import A_TEXT, Mismatch, describe, from_json
from sluicegate.settings.draft import Draft
from sluicegate.settings.findings import Findings
from sluicegate.settings.json_lines import Object, Value, parse
from sluicegate.settings.shape import Block, Leaf, leaves, root

# The values of these are not repeated in messages.
_SECRET = re.compile(r"secret|password|token|key|connection_string|sentry_code", re.IGNORECASE)


def read_document(document: bytes, file: str, draft: Draft, findings: Findings) -> None:
    """Read a whole `tyk.conf` into the draft."""
    try:
        value = parse(document, file)
    except ConfigError as error:
        findings.error(error.where, error.what, error.hint)
        return
    _Reading(file, draft, findings).block(value, root())


def mismatch_text(path: str, mismatch: Mismatch) -> str:
    """Say what is wrong with a value, without the value if the setting is a secret."""
    found = "something else" if mismatch.wanted == A_TEXT and _SECRET.search(path) else mismatch.found
    return f"expected {mismatch.wanted}, found {found}"


class _Reading:
    def __init__(self, file: str, draft: Draft, findings: Findings) -> None:
        self.file, self.draft, self.findings = file, draft, findings
        self.seen: dict[str, int] = {}

    def block(self, value: Value, block: Block) -> None:
        if value.data is None:
            return
        if not isinstance(value.data, Object):
            where = f"{self.file}:{value.line}" + (f": {block.path}" if block.path else "")
            self.findings.error(where, f"expected an object, found {describe(value)}")
            return
        folded = {name.casefold(): name for name in block.members}
        for name, line, inner in value.data.members:
            known = name if name in block.members else folded.get(name.casefold())
            if known is None:
                self.unknown(name, line, block)
                continue
            member = block.members[known]
            self.note_repetition(member.path, line)
            if isinstance(member, Block):
                self.block(inner, member)
            else:
                self.leaf(inner, member)

    def leaf(self, value: Value, leaf: Leaf) -> None:
        if value.data is None:
            return
        try:
            found = from_json(value, leaf.type)
        except Mismatch as mismatch:
            where = f"{self.file}:{mismatch.line or value.line}: {leaf.path}{mismatch.inside}"
            self.findings.error(where, mismatch_text(leaf.path + mismatch.inside, mismatch))
        else:
            self.draft.set(leaf.path, found, f"{self.file}:{value.line}")

    def note_repetition(self, path: str, line: int) -> None:
        if path in self.seen:
            what = f"set a second time, after line {self.seen[path]}; of two values the last one counts"
            self.findings.warn(f"{self.file}:{line}: {path}", what)
        self.seen[path] = line

    def unknown(self, name: str, line: int, block: Block) -> None:
        path = f"{block.path}.{name}" if block.path else name
        self.findings.warn(f"{self.file}:{line}: {shorten(path)}", "unknown setting" + guess_setting(name, block))


def shorten(name: str) -> str:
    """Return a name that somebody else chose as it may stand in a message."""
    return name if len(name) <= 80 else f"{name[:80]}…"


def guess_setting(name: str, block: Block) -> str:
    """Return `; did you mean …?` for a name that is no setting of this block, or nothing."""
    lowered = name.lower()[:80]
    if near := difflib.get_close_matches(lowered, block.members, 1, 0.85):
        guess = block.members[near[0]].path
    elif elsewhere := [path for path in leaves() if path.rpartition(".")[2] == lowered]:
        guess = elsewhere[0]
    elif near := difflib.get_close_matches(lowered, block.members, 1, 0.7):
        guess = block.members[near[0]].path
    else:
        return ""
    return f"; did you mean {guess}?"
