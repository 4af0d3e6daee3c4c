-- The workloads of `cargo xtask bench` that are about coroutines, in Lua.
--
--     figures.lua [--workers N] [--test] [--list] [WORKLOAD]...
--
-- prints a line "workload<TAB>value" for each; benches/common/measure.rs says what they are, and
-- measures in the same way, but that Lua has no clock but of CPU time. The number of workers makes
-- no difference. Left out: `coroutine_transfer`. A coroutine goes back to whoever resumed it.

local create, resume, wrap, yield = coroutine.create, coroutine.resume, coroutine.wrap, coroutine.yield

local function counter(values)
    return wrap(function()
        for value = 0, values - 1 do
            yield(value)
        end
    end)
end

-- The same numbers, through so many levels of coroutines, each of which passes on what the next
-- one says: there is nothing for that, so it is a loop.
local function passed_on(levels, values)
    if levels == 0 then
        return counter(values)
    end
    local inner = passed_on(levels - 1, values)
    return wrap(function()
        for value in inner do
            yield(value)
        end
    end)
end

local function timed(work)
    local start = os.clock()
    work()
    return os.clock() - start
end

local function added_up(values, generator)
    return timed(function()
        local sum = 0
        for value in generator do
            sum = sum + value
        end
        assert(sum == values * (values - 1) // 2)
    end)
end

-- A number goes in and comes out one higher, again and again.
local function exchange(times)
    local adder = create(function(value)
        while true do
            value = yield(value + 1)
        end
    end)
    return timed(function()
        local value, _ = 0
        for _ = 1, times do
            _, value = resume(adder, value)
        end
        assert(value == times)
    end)
end

local function at_once(value)
    return value
end

-- Coroutines that return at once. Part of it is the collector's work: nothing else ends them.
local function create_and_run(times)
    return timed(function()
        for i = 1, times do
            assert(resume(create(at_once), i))
        end
    end)
end

-- Coroutines that never run.
local function new(times)
    return timed(function()
        for _ = 1, times do
            create(at_once)
        end
    end)
end

local function once(value)
    yield(value)
end

-- So many that have yielded once, and how long that took.
local function suspended(number)
    local coroutines = {}
    local time = timed(function()
        for i = 1, number do
            local started = create(once)
            resume(started, i)
            coroutines[i] = started
        end
    end)
    return coroutines, time
end

local function many(number)
    local time = select(2, suspended(number))
    -- The next million takes the place of this one.
    collectgarbage()
    return time
end

local function resident()
    local statm = assert(io.open("/proc/self/statm"))
    local _, pages = statm:read("n", "n")
    statm:close()
    return pages * 4096
end

-- Resident memory of each, when as many have been there before.
local function many_bytes(number)
    local before = resident()
    many(number)
    local coroutines = suspended(number)
    return string.format("%.0f", (resident() - before) / #coroutines)
end

local test = false

-- Nanoseconds an operation, the best of five.
local function best(workload)
    return function(operations)
        local least = math.huge
        for _ = 1, test and 1 or 5 do
            least = math.min(least, workload(operations))
        end
        return string.format("%.2f", least / operations * 1e9)
    end
end

-- Nanoseconds an operation, the second time.
local function second(workload)
    return function(operations)
        workload(operations)
        return string.format("%.2f", workload(operations) / operations * 1e9)
    end
end

local workloads = {
    { "coroutine_resume", 2000000, best(function(n) return added_up(n, counter(n)) end) },
    { "coroutine_value", 2000000, best(exchange) },
    { "coroutine_create", 1000000, best(create_and_run) },
    { "coroutine_new", 1000000, best(new) },
    { "coroutine_1m", 1000000, second(many) },
    { "coroutine_1m_bytes", 1000000, many_bytes },
    { "coroutine_delegate", 1000000, best(function(n) return added_up(n, passed_on(10, n)) end) },
}

local known, chosen, list = {}, {}, false
for _, workload in ipairs(workloads) do
    known[workload[1]] = true
end
local i = 1
while arg[i] do
    if arg[i] == "--workers" then
        i = i + 1
    elseif arg[i] == "--test" then
        test = true
    elseif arg[i] == "--list" then
        list = true
    elseif known[arg[i]] then
        chosen[arg[i]] = true
    else
        io.stderr:write("no workload ", arg[i], "; --list prints those there are\n")
        os.exit(2)
    end
    i = i + 1
end
for _, workload in ipairs(workloads) do
    local name, operations, figure = table.unpack(workload)
    if next(chosen) == nil or chosen[name] then
        if list then
            print(name)
        else
            print(name .. "\t" .. figure(test and (operations + 999) // 1000 or operations))
        end
    end
end
