"""The store in Redis, in Tyk's layout: what nodes share. One server, one that Sentinels watch, or a Redis Cluster.

backend     the port of the store, in Redis' commands: read this first
servers     who gets a command: the face that the topologies have in common, and the plain one
sentinel    the one that Sentinels call the master
cluster     many, each with its part of the names (`slots`)
channel     a connection that comes back           link    one connection, until it breaks
listening   the connection that messages come on   outage  what is said when Redis goes, and when it returns
options     the settings made ready
"""

from sluicegate.store.redis.backend import RedisBackend, Script

__all__ = ["RedisBackend", "Script"]
