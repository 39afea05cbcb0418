-- Counts a request unless `allowed` are in this window already. The window begins with its first request.
-- KEYS: the counter. ARGV: allowed; length of the window, ms; 1 to ask only.
-- Returns how many there were before, and the milliseconds that are left of the window.
local before = tonumber(redis.call('GET', KEYS[1]) or '0')
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[2]) then
  before, left = 0, tonumber(ARGV[2])
  if ARGV[3] ~= '1' then redis.call('SET', KEYS[1], 1, 'PX', left) end
elseif before < tonumber(ARGV[1]) and ARGV[3] ~= '1' then
  redis.call('INCR', KEYS[1])
end
return {before, left}
