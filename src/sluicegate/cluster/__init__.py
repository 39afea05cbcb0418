"""The shared configuration: documents in the store with one number, and nodes that follow.

    shelf       what is needed of a store: maps that are changed as one, a lock. redis_shelf, sqlite_shelf
    documents   what lies in the store, and the one step that changes it
    history     what every generation changed, and the way back
    lock        one writer at a time, with a fencing token
    writer      lock, check, commit, tell
    follow      how a node comes to hold what the store holds
    snapshot    the last good configuration, on the node's own disk

Here documents are bytes with a checksum; what they mean, `routing` knows.
"""
