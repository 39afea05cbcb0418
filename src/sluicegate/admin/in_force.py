"""How a write becomes true: files first, then a reload on every worker, and only then the answer.

If the node refuses what was written, the files are put back as they were and the caller is told why; if the disk is
full or the folder is not there, nothing has changed. So the files and what is in force never drift apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sluicegate.admin.envelope import Refused
from sluicegate.admin.folder import Change, FolderBusy, locked
from sluicegate.admin.node import Node, ReloadError


async def put_in_force(
    node: Node, folder: Path, edit: Callable[[Change], None], cannot_write: str, api_id: str = ""
) -> None:
    """Make the edit in the folder and return when every worker goes by it.

    cannot_write: the text of the 500 when a file cannot be written.
    api_id: the definition that must be accepted, if the edit writes one.
    Raises Refused: 500, 400 when the definition is not accepted, or what `edit` raises.
    """
    change = Change()
    try:
        async with locked(folder):
            try:
                edit(change)
                await node.reload(api_id)
            except ReloadError as error:
                await _back_out(node, change)
                raise Refused(400, f"Validation of API Definition failed. Reason: {error.what}.") from None
            except (OSError, Refused):
                change.undo()
                raise
    except FolderBusy:
        raise Refused(503, "Another change is still being put in force, try again later") from None
    except OSError as error:
        node.services.log(
            "error", f"{cannot_write}: {error.strerror}", prefix="api", path=str(error.filename or folder)
        )
        raise Refused(500, cannot_write) from None


async def _back_out(node: Node, change: Change) -> None:
    change.undo()
    try:
        await node.reload()
    except ReloadError as error:  # what is in force stays in force; the next reload says the same
        node.services.log("error", f"Reload failed: {error.what}", prefix="api")
