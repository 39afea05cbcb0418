-- Counts admissions of a limit before they are used: those somebody waits for, and a lease of some more.
-- KEYS: the counter; when some were admitted while the store was away: where it is remembered that it was told of them.
-- ARGV: how many wait; how many more are wanted; the limit; length of a window, ms, 0 never ends; 1 when a window that is
-- longer than that begins anew; and when some were: the account they are on, how many it has, of how many it is known
-- that they were told.
-- Returns how many were granted, how many that makes in this window, the milliseconds that are left of it (-1: it never
-- ends), and its end by the clock of the store, which is also its name (`give_back`).
local REMEMBERED_MS = 86400000 -- longer than anybody tells again what was told
local left, window = redis.call('PTTL', KEYS[1]), tonumber(ARGV[4])
local fresh = left == -2 or (window > 0 and (left < 0 or (ARGV[5] == '1' and left > window)))
local late = ARGV[7] and tonumber(ARGV[7]) - tonumber(ARGV[8]) or 0
if KEYS[2] and not fresh then
  late = math.min(late, math.max(0, tonumber(ARGV[7]) - tonumber(redis.call('HGET', KEYS[2], ARGV[6]) or 0)))
end
local counted = late + (fresh and 0 or tonumber(redis.call('GET', KEYS[1])))
local room = math.max(0, tonumber(ARGV[3]) - counted)
local granted = math.min(tonumber(ARGV[1]), room)
granted = granted + math.min(tonumber(ARGV[2]), math.floor((room - granted) / 8))
if fresh then
  left = window > 0 and window or -1
  if granted + late > 0 then
    if left > 0 then
      redis.call('SET', KEYS[1], granted + late, 'PX', left)
    else
      redis.call('SET', KEYS[1], granted + late)
    end
  end
elseif granted + late > 0 then
  redis.call('INCRBY', KEYS[1], granted + late)
end
if KEYS[2] and late > 0 then
  redis.call('HSET', KEYS[2], ARGV[6], ARGV[7])
  redis.call('PEXPIRE', KEYS[2], left > 0 and math.min(left, REMEMBERED_MS) or REMEMBERED_MS)
end
local ends = -1
if left >= 0 then
  local time = redis.call('TIME')
  ends = time[1] * 1000 + math.floor(time[2] / 1000) + left
end
return {granted, counted + granted, left, ends}
