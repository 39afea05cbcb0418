-- Counts a request in the window of the clock, and as much of the window before as still reaches into the last `per`.
-- KEYS: a hash of the window's number and of the counts in it and before it. ARGV: allowed; window, ms; 1 to ask only.
-- Returns whether there is room, how many may follow, and the milliseconds until the window of the clock ends.
local time = redis.call('TIME')
local now, window = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[2])
local number = math.floor(now / window)
local passed = now - number * window
local kept = redis.call('HMGET', KEYS[1], 'number', 'count', 'before')
local count, before = tonumber(kept[2] or '0'), tonumber(kept[3] or '0')
local behind = number - tonumber(kept[1] or '0')
if behind == 1 then count, before = 0, count elseif behind ~= 0 then count, before = 0, 0 end
local used = count + before * (window - passed) / window
local has_room = used + 1 <= tonumber(ARGV[1])
if has_room and ARGV[3] ~= '1' then
  redis.call('HSET', KEYS[1], 'number', string.format('%.0f', number), 'count', count + 1, 'before', before)
  redis.call('PEXPIRE', KEYS[1], 2 * window)
end
return {has_room and 1 or 0, math.max(0, math.floor(tonumber(ARGV[1]) - used - 1)), window - passed}
