-- Takes a lock for a while, with a number that is higher than all before.
-- KEYS: the lock, the map that counts. ARGV: holder, lease in ms, field that counts.
-- Returns the number, or 0 when the lock is held. One that would be held for longer than a lease is not: then the clock
-- was put back since it was taken, and its holder may be long gone. Nor is one that would never end: a copy of the store
-- was put back without its times to live, or somebody else wrote there.
if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left <= tonumber(ARGV[2]) then
    return 0
  end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
