-- For wrk: counts every answer that is not 200; wrk itself counts only those from 400 on.
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init() bad = 0; first = "" end

function response(status, headers, body)
    if status ~= 200 then bad = bad + 1; first = status .. " " .. body end
end

function done(summary)
    local errors, bad, first = summary.errors, 0, ""
    for _, thread in ipairs(threads) do
        bad = bad + thread:get("bad")
        if thread:get("first") ~= "" then first = thread:get("first") end
    end
    io.write(string.format("answers: %d, not 200: %d; socket errors: connect %d, read %d, write %d, timeout %d\n",
        summary.requests, bad, errors.connect, errors.read, errors.write, errors.timeout))
    if bad > 0 then io.write("such as: " .. first:gsub("%s+", " ") .. "\n") end
end
