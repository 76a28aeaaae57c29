-- wrk -t1 -c64 -d4s -s exchange.lua http://127.0.0.1:PORT -- REQUEST CONNECTIONS CODES DEPTH IDS [STATUS [TEXT]]
-- Sends the request in the file REQUEST, each time with another code from the file CODES (one a line, all of one
-- length) in place of the run of question marks in it. DEPTH requests go in one write (pipelining); latencies are
-- then per batch. When the codes are used up the run ends early, and RESULT gives the time until then.
-- With a file IDS (a UUID a line, at least as many as codes; "-" for none) each request also has a head of its own: the
-- next id stands where the request has 36 hash signs, and its last 12 characters where 12 more stand. The ids were made
-- beforehand, so that it is two more copies: a request takes wrk 0.125 us to make instead of 0.119.
--
-- Two traps, both in how LuaJIT keeps strings: it interns every one, and hashes a long one by only a few of its bytes.
-- 1. A codes file held as Lua strings, or a request put together by concatenation, fills the intern table with strings
--    that share a hash chain, and wrk spends its time comparing them: 6,600 requests/s. So codes and request live
--    outside Lua's heap, and one string is made per write: 150,000.
-- 2. Those strings differ in the code only, so the code stands at the very end of the body, where the hash sees some
--    of it. Earlier in the body: 110,000 to 140,000.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local report = dofile(here .. "report.lua")
local ffi = require "ffi"
ffi.cdef [[
    typedef struct { long seconds, nanoseconds; } bench_time;
    int clock_gettime(int clock, bench_time *time);
    void *malloc(size_t size);
    void *fopen(const char *path, const char *mode);
    size_t fread(void *to, size_t size, size_t count, void *file);
    int fclose(void *file);
]]
local copy, string_of = ffi.copy, ffi.string

setup, done = report.setup, report.done

local codes, count, length -- the file's bytes; how many codes; the length of one
local ids, id_at, reference_at -- the file's bytes, nil where heads are all the same; where they go in a request
local batch, size          -- DEPTH requests in a row; their bytes
local first, step          -- where the first code goes in it; from code to code
local depth, at = 1, 0     -- at: codes taken so far

local time = ffi.new("bench_time")
local function now()
    ffi.C.clock_gettime(1, time) -- CLOCK_MONOTONIC
    return tonumber(time.seconds) + tonumber(time.nanoseconds) * 1e-9
end

-- Returns the file's bytes, how many lines there are, and the length of one. With a limit, no more lines than that.
local function load_lines(path, limit)
    local file = assert(io.open(path, "rb"))
    local line = #file:read("*l")
    local bytes = file:seek("end")
    file:close()
    assert(bytes % (line + 1) == 0, "lines differ in length")
    bytes = math.min(bytes, (limit or math.huge) * (line + 1))
    local memory = ffi.cast("char *", ffi.C.malloc(bytes))
    local handle = ffi.C.fopen(path, "rb")
    assert(tonumber(ffi.C.fread(memory, 1, bytes, handle)) == bytes)
    ffi.C.fclose(handle)
    return memory, bytes / (line + 1), line
end

local function place(one, mark, width, from)
    local found = one:find(mark:rep(width), from, true)
    assert(found, "the request has no place for a value")
    return found - 1
end

function init(args)
    codes, count, length = load_lines(args[3])
    depth = tonumber(args[4])
    assert(count >= 2 * depth, "too few codes")
    local file = assert(io.open(args[1], "rb"))
    local one = file:read("*a")
    file:close()
    first, step, size = place(one, "?", length, 1), #one, #one * depth
    if args[5] ~= "-" then
        local id_count, id_length
        ids, id_count, id_length = load_lines(args[5], count)
        assert(id_count >= count and id_length == 36, "too few ids, or they are no UUIDs")
        id_at = place(one, "#", 36, 1)
        reference_at = place(one, "#", 12, id_at + 37)
    end
    batch = ffi.cast("char *", ffi.C.malloc(size))
    copy(batch, one:rep(depth), size)
    connections = tonumber(args[2])
    if args[6] then report.check(args[6], args[7]) end
end

function request()
    if at == depth then started = now() end -- the first batch is only looked at by wrk, before the run, and not sent
    if at + depth > count then
        ended = ended or now()
        wrk.thread:stop()
        at = count - depth -- something well-formed to return: wrk stops before it reads an answer to it
    end
    local from = codes + at * (length + 1)
    for i = 0, depth - 1 do copy(batch + first + i * step, from + i * (length + 1), length) end
    if ids then
        for i = 0, depth - 1 do
            local id = ids + (at + i) * 37
            copy(batch + id_at + i * step, id, 36)
            copy(batch + reference_at + i * step, id + 24, 12)
        end
    end
    at = at + depth
    return string_of(batch, size)
end
