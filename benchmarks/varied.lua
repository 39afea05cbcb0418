-- Requests whose path and one header change from one to the next, so that nothing can be remembered whole.

local COUNT = 4096
local requests = {}
local at = 0

function init()
   for i = 1, COUNT do
      wrk.headers["X-Request-Id"] = string.format("%08x", i * 2654435761 % 4294967296)
      requests[i] = wrk.format("GET", wrk.path .. i)
   end
end

function request()
   at = at % COUNT + 1
   return requests[at]
end
