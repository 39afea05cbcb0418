-- Changes fields of several maps in one step, if others hold what is expected.
-- KEYS: the maps. ARGV: how many fields are expected; then for each of those, and for each that is written: number of
-- its map, field, 1 for a value or 0 for none, value.
-- Returns 1 when it was done, 0 when something else was found.
local expected = tonumber(ARGV[1])
for at = 2, 1 + expected * 4, 4 do
  local found = redis.call('HGET', KEYS[tonumber(ARGV[at])], ARGV[at + 1])
  if (ARGV[at + 2] == '1' and found ~= ARGV[at + 3]) or (ARGV[at + 2] == '0' and found) then
    return 0
  end
end
-- A Redis that is full refuses the first write of a script, but would still remove: so writes come first.
for at = 2 + expected * 4, #ARGV, 4 do
  if ARGV[at + 2] == '1' then
    redis.call('HSET', KEYS[tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 3])
  end
end
for at = 2 + expected * 4, #ARGV, 4 do
  if ARGV[at + 2] == '0' then
    redis.call('HDEL', KEYS[tonumber(ARGV[at])], ARGV[at + 1])
  end
end
return 1
