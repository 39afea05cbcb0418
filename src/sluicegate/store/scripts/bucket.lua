-- A bucket that fills or drains steadily, kept as one moment: when all that is in it will have gone through (GCRA).
-- KEYS: the bucket. ARGV: what one request takes, in microseconds; what the bucket holds, likewise; 1 to ask only.
-- Returns whether there is room; the microseconds until this request's turn, or until there is room; how many may follow.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local one, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local turn = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local after = turn + one
if after - now > most then return {0, after - now - most, 0} end
if ARGV[3] ~= '1' then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
end
return {1, turn - now, math.floor((most - (after - now)) / one)}
