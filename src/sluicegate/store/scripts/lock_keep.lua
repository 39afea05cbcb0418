-- Begins the lease of a lock anew, or ends it, if it is still held.
-- KEYS: the lock. ARGV: holder, lease in ms; 0 ends it.
-- Returns 1 when it was held.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
