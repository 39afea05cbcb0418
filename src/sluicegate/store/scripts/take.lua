-- Removes a value and gives it to the one who asks: GETDEL, for servers that are older than 6.2.
-- KEYS: the value.
local value = redis.call('GET', KEYS[1])
if value then
  redis.call('DEL', KEYS[1])
end
return value
