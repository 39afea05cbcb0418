"""`sluicegate verify`: what an operator wants to have seen before going live, as a table with times.

report          what came of each check, and how it is told
scratch         a cluster made for it on this machine
scratch_checks  what is done to that one: nodes and Redis are killed
named           a cluster that is there
target          that cluster, by the admin APIs of its nodes
specimen        the API and the keys that are put into it, and taken out again
checks          what is looked for, and done by the admin API alone
hands           what the admin API cannot do: nodes stopped, Redis failed over, by the operator's commands or hands
faults          what is looked for while that is done
"""
