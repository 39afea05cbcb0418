-- Takes back admissions that were granted and not used, if the window that they belong to is still the one.
-- KEYS: the counter. ARGV: how many; the end of their window as `grant` returned it.
-- Returns whether it is, how many are counted in it now, and the milliseconds that are left of it (-1: it never ends).
local left, ends = redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])
local same = left == -1 and ends == -1
if left >= 0 and ends >= 0 then
  local time = redis.call('TIME')
  same = math.abs(time[1] * 1000 + math.floor(time[2] / 1000) + left - ends) < 50 -- windows last a second at least
end
if not same then
  return {0, 0, left}
end
local counted = tonumber(redis.call('GET', KEYS[1]))
if counted >= tonumber(ARGV[1]) then
  counted = redis.call('DECRBY', KEYS[1], ARGV[1])
end
return {1, counted, left}
