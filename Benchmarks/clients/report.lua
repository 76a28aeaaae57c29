-- What constant.lua and exchange.lua share: one line of JSON at the end, "RESULT {...}", times in microseconds.
local ffi = require "ffi"
ffi.cdef [[ typedef struct { uint64_t count, limit, min, max, data[1]; } wrk_stats; ]] -- stats.h of wrk 4.1

local threads = {}
local report = {}

function report.setup(thread) threads[#threads + 1] = thread end

-- wrk itself counts statuses of 400 and above. This counts everything that is not of the status, or has not the text
-- in its body where one is given, which costs wrk over 1 us an answer: for the warm-up, not for a measurement.
function report.check(expected, text)
    unexpected = 0 -- a global, as are connections, started and ended: done() asks for them with thread:get
    expected = tonumber(expected)
    response = function(status, _, body)
        if status ~= expected or text and not body:find(text, 1, true) then unexpected = unexpected + 1 end
    end
end

-- wrk "corrects" latencies for coordinated omission: beside every answer that took n us it counts made-up ones of
-- n - e, n - 2e, ... us (as long as they are above e), e being a connection's mean time per answer. That is meant for a
-- client that wants to send at a fixed rate. Ours sends whenever it has an answer: nothing is omitted, one stall
-- becomes thousands of samples, and under pipelining e is not even a time that a request took. So it is undone: above
-- e, the true count of n us is what is there at n less what is there at n + e. What is left adds up to the number of
-- batches, exactly.
local function percentiles(summary, latency, wanted)
    local connections = threads[1]:get("connections")
    local stats = ffi.cast("wrk_stats **", latency)[0]
    local least, most = tonumber(stats.min), tonumber(stats.max)
    if summary.requests < connections then -- too few for wrk to correct
        return { latency:percentile(wanted[1]), latency:percentile(wanted[2]) }, 0
    end
    assert(least == latency.min and most == latency.max, "not the memory layout of wrk 4.1")
    local e = math.floor(summary.duration / math.floor(summary.requests / connections))
    local function count(v)
        local here = tonumber(stats.data[v])
        return v > e and v + e <= most and here - tonumber(stats.data[v + e]) or here
    end
    local total, seen, next_wanted, found = 0, 0, 1, {}
    for v = least, most do total = total + count(v) end
    for v = least, most do
        seen = seen + count(v)
        while next_wanted <= #wanted and seen >= wanted[next_wanted] / 100 * total do
            found[next_wanted] = v
            next_wanted = next_wanted + 1
        end
    end
    return found, total
end

function report.done(summary, latency)
    local thread, errors = threads[1], summary.errors
    local ended = thread:get("ended")
    local seconds = ended and ended - thread:get("started") or summary.duration / 1e6
    local found, samples = percentiles(summary, latency, { 50, 99 })
    io.write(string.format('RESULT {"requests":%d,"seconds":%.6f,"bytes":%d,"p50_us":%.1f,"p99_us":%.1f,' ..
        '"samples":%d,"status_errors":%d,"socket_errors":%d,"timeouts":%d,"ran_out":%s}\n',
        summary.requests, seconds, summary.bytes, found[1], found[2], samples,
        math.max(errors.status, thread:get("unexpected") or 0), errors.connect + errors.read + errors.write,
        errors.timeout, tostring(ended ~= nil)))
end

return report
