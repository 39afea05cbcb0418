"""A cluster on one machine, of real processes: to be looked at (`sluicegate demo`) and tried (`cli/verify`).

processes  starting programs, and ending them
service    what stands behind the gateways
stores     Redis, alone or with Sentinels; else the embedded store
nodes      the gateways
fronts     nginx or HAProxy before them
site       all of it together
traffic    requests, all the time, and what became of them
actions    what can be done to it
show       the live picture, and the keys
run        `sluicegate demo`
"""
