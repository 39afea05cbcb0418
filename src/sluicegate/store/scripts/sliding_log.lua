-- Tyk's rolling window: every request is a member whose score is its time, refused ones too.
-- KEYS: the log. ARGV: now, ns; now minus the window, ns; allowed; window, s.
-- Returns how many there were before, and the time of the one that has to leave before the next may come.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local before = redis.call('ZCARD', KEYS[1])
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
local allowed = tonumber(ARGV[3])
local frees = ARGV[1]
if allowed > 0 and before >= allowed then
  frees = redis.call('ZRANGE', KEYS[1], -allowed, -allowed)[1] or frees
end
return {before, frees}
