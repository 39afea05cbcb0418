"""Definitions, policies and sessions: Tyk's documents, read as Go reads them. Nothing here knows of requests.

read        from the text of a definition to an `Api`: the one way in (classic, oas, references, unknown, validate)
folder      definitions in files;  policy_files: policies in files
session     the rights and counters of a key
policy      the policies in force, and what they make of a session (apply, merge, rights, generosity, policy_session)
oauth       clients, codes and tokens
pattern     regular expressions in definitions;  pattern_set: many in one pass
gotypes     structs of Go's types;  gojson, goreaders, gowriters: their JSON
"""
