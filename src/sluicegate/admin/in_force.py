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
    node: Node,
    folder: Path,
    edit: Callable[[Change], None],
    cannot_write: str,
    *,
    api_id: str = "",
    may_empty: bool = False,
) -> None:
    """Make the edit in the folder and return when every worker goes by it.

    cannot_write: the text of the 500 when a file cannot be written.
    api_id: the definition that must be accepted, if the edit writes one.
    may_empty: the edit removes a definition, which may be the last.
    Raises Refused: 400 when the definition is not accepted, 500 when anything else fails, or what `edit` raises.
    """
    change = Change()
    try:
        async with locked(folder):
            try:
                edit(change)
            except BaseException:
                change.undo()
                raise
            try:
                await node.reload(api_id, may_empty=may_empty)
                if api_id and node.find_api(api_id) is None:
                    raise ReloadError("it was not loaded")
            except ReloadError as error:
                await _back_out(node, change)
                raise _refusal(error, api_id) from None
    except FolderBusy:
        raise Refused(503, "Another change is still being put in force, try again later") from None
    except OSError as error:
        node.services.log(
            "error", f"{cannot_write}: {error.strerror}", prefix="api", path=str(error.filename or folder)
        )
        raise Refused(500, cannot_write) from None


def _refusal(error: ReloadError, api_id: str) -> Refused:
    if api_id:
        return Refused(400, f"Validation of API Definition failed. Reason: {error.what}.")
    return Refused(500, f"Reload failed: {error.what}")


async def _back_out(node: Node, change: Change) -> None:
    change.undo()
    try:
        await node.reload(may_empty=True)
    except ReloadError as error:  # what is in force stays in force; the next reload says the same
        node.services.log("error", f"Reload failed: {error.what}", prefix="api")
