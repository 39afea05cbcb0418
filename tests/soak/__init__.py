"""Writers of the shared configuration under faults, and a checker over the history of what they did.

    python -m tests.soak --store redis --writes 10000

    network     hosts with a network of their own each, that can be cut off and joined again
    clock       clocks that leap, of writers and of the store
    stores      the store on those hosts: one Redis, a master that Sentinels watch, or a file
    writer      a process that writes again and again, and keeps a diary
    reader      a process that follows as a node does, and keeps a diary too
    mischief    kills, pauses, partitions, leaps, fail-overs; at random, and several at once
    history     what the diaries and the store say, put together
    checker     finds what was lost, torn, reordered, taken twice or told untruly
    field       all of that under one roof: begin, end, and what came of it

Every commit counts `total` up by one and writes the writer's own number into a document of its own. So the generation,
the count and the numbers say the same three times over, and a fault of any kind shows.
"""
