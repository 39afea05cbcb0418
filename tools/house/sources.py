"""What the rules look at: the files of the repository, each read and parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CODE_FOLDERS = ("src", "tests", "tools", "benchmarks", "examples")
SECTIONS = "src/sluicegate/middleware"


@dataclass(frozen=True)
class Finding:
    """A rule is broken: in which file (a path from the root), at which line (0: the whole file), and how."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Source:
    """A Python file. file: its path from the root."""

    file: str
    path: Path

    @cached_property
    def text(self) -> str:
        """What stands in it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The same, parsed."""
        return ast.parse(self.text, self.file)

    @property
    def module(self) -> str:
        """Its name when it is imported (`sluicegate.wire.headers`, `tests.servers`)."""
        parts = Path(self.file).with_suffix("").parts
        parts = parts[1:] if parts[0] == "src" else parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def imports(self) -> set[str]:
        """Modules that it imports; of `from a import b` both `a` and `a.b`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return found


class House:
    """The repository below a root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def sources(self) -> list[Source]:
        """All Python files, in order."""
        return [
            Source(path.relative_to(self.root).as_posix(), path)
            for folder in CODE_FOLDERS
            for path in sorted((self.root / folder).rglob("*.py"))
        ]

    def below(self, folder: str) -> Iterator[Source]:
        """Yield the Python files of a folder and of those inside."""
        return (source for source in self.sources if source.file.startswith(f"{folder}/"))

    @cached_property
    def papers(self) -> dict[str, str]:
        """The Markdown files, by their path from the root."""
        paths = [*sorted(self.root.glob("*.md")), *sorted((self.root / "docs").rglob("*.md"))]
        return {path.relative_to(self.root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
