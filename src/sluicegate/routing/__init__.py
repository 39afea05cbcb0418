"""Which API takes a request: a table that is built aside and swapped whole.

sources     what this node's files say;  shared: what the cluster says;  proof: what a change would do
reload      from there to a new table, in slices between which requests are served;  last_good: what outlives a worker
build       from a definition to a route
table       who takes a request: by host, then by path (paths, template, clean)
route       an API made ready;  versions: which of its versions is asked for
"""
