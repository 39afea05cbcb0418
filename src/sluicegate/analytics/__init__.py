"""What is remembered of an exchange, and what the node tells about itself.

    answer has left ─► finish ─► metrics (at once)
                              └► capture ─► recorder ─► record ─► sinks          in small batches, off the road
                                                     └► access_log ─► line_writer

On the road there is one call, `finish`: it counts, and keeps a tuple of plain values. What takes time (texts,
tags, encoding, writing) is done later from those tuples by the recorder.
"""
