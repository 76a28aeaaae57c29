-- wrk -t1 -c64 -d4s -s constant.lua http://127.0.0.1:PORT -- REQUEST CONNECTIONS [STATUS [TEXT]]
-- The bytes of the file REQUEST again and again. They are made once: wrk runs no Lua per request.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local report = dofile(here .. "report.lua")

setup, done = report.setup, report.done

function init(args)
    local file = assert(io.open(args[1], "rb"))
    local bytes = file:read("*a")
    file:close()
    wrk.format = function() return bytes end -- wrk calls it once, after init()
    connections = tonumber(args[2])
    if args[3] then report.check(args[3], args[4]) end
end
