-- Writes a value where it is still the one that somebody has read.
-- KEYS: the value. ARGV: what was read; what takes its place; its time to live, ms: 0 is none, -1 what it has left.
-- Returns whether it was written.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local left = tonumber(ARGV[3])
if left < 0 then
  left = redis.call('PTTL', KEYS[1])
end
if left > 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', left)
else
  redis.call('SET', KEYS[1], ARGV[2])
end
return 1
