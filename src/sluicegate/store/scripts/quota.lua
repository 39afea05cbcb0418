-- Counts a request of a quota, as Tyk does in several commands under a lock.
-- KEYS: the counter. ARGV: length of its window, s; 0 never ends.
-- Returns the count with this request, and the milliseconds that are left; -1 never ends.
local left = redis.call('PTTL', KEYS[1])
if left < 0 and tonumber(ARGV[1]) > 0 then
  redis.call('SET', KEYS[1], 0, 'EX', ARGV[1])
  left = tonumber(ARGV[1]) * 1000
end
return {redis.call('INCR', KEYS[1]), left}
