-- wrk -t1 -c64 -d60s -s mixed.lua http://127.0.0.1:PORT -- REQUEST...
-- The requests of the given files in turn, none of which makes the server store anything: grants of client
-- credentials, codes that are refused, bodies that are no JSON, paths that do not exist. Each must be answered with one
-- of the statuses that the files are for; anything else is counted in "status_errors".
local expected = { [201] = true, [400] = true, [403] = true, [404] = true }
local requests, at = {}, 0
unexpected = 0 -- a global: done() asks for it with thread:get

local thread
function setup(started) thread = started end

function init(args)
    for i = 1, #args do
        local file = assert(io.open(args[i], "rb"))
        requests[i] = file:read("*a")
        file:close()
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function response(status)
    if not expected[status] then unexpected = unexpected + 1 end
end

function done(summary)
    local errors = summary.errors
    io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"bytes":%d,"status_errors":%d,"socket_errors":%d,' ..
        '"timeouts":%d,"ran_out":false}\n', summary.requests, summary.duration / 1e6, summary.bytes,
        thread:get("unexpected"), errors.connect + errors.read + errors.write, errors.timeout))
end
