"""The limiter's Lua: what the server keeps of a quota pool, and how a block of calls is booked in one step.

Two hashes a pool. The first holds moments in microseconds of the pool's own clock, which is the server's but never
goes back: `r`, `t` (next free moment for requests, tokens), `h` (held until), `c`, `cd` (nothing is made up for until,
for so long), `born` (begin of this stretch of use), `m`, `o` (latest moment, what the server's clock lacks), `lr`,
`lt`, `lu` (lower limits the service told, until when). The second holds the last minute: calls and tokens booked, in
buckets of a tenth of a second. Reasons: docs/design/queue.md.
"""

_CLOCK = """
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local clock = redis.call('HMGET', KEYS[1], 'o', 'm')
local offset, latest = tonumber(clock[1] or 0), tonumber(clock[2] or 0)
if now + offset < latest then offset = latest - now end
now = now + offset
local function us(x) return string.format('%.0f', x) end
local function keep(...)
  redis.call('HSET', KEYS[1], 'm', us(now), 'o', us(offset), ...)
  redis.call('PEXPIRE', KEYS[1], 86400000)
end
"""

RESERVE = (
    _CLOCK
    + """
local W, B = 60000000, 100000
local rpm, tpm, n, tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local ahead, spare, fastest = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local n_unused = tonumber(ARGV[8])
local s = redis.call('HMGET', KEYS[1], 'r', 't', 'h', 'born', 'lo', 'nr', 'nt', 'lr', 'lt', 'lu', 'c')
local r, tk, hold, born = tonumber(s[1] or 0), tonumber(s[2] or 0), tonumber(s[3] or 0), tonumber(s[4] or 0)
local lo, nr, nt = tonumber(s[5] or 0), tonumber(s[6] or 0), tonumber(s[7] or 0)
if tonumber(s[10] or 0) > now then
  local lower_r, lower_t = tonumber(s[8] or 0), tonumber(s[9] or 0)
  if lower_r > 0 and lower_r < rpm then rpm = lower_r end
  if lower_t > 0 and (tpm == 0 or lower_t < tpm) then tpm = lower_t end
end
if hold > now + 10 * W then hold = 0 end
if tonumber(s[11] or 0) > now then fastest = 1 end
if r > now + 2 * W or tk > now + 2 * W or now - latest > W or born == 0 then
  redis.call('DEL', KEYS[2])
  -- after a long pause nothing is booked ahead; after a clock that was set forward something is, and still counts
  local booked = math.max(r, tk) - latest
  if latest == 0 or booked < 0 or booked > 4 * ahead then booked = 0 end
  born = now + booked
  r, tk, lo, nr, nt, n_unused = born, born, math.floor(now / B), 0, 0, 0
end

local seen = {}
local function bucket(i, kind)
  local found = seen[i]
  if not found then
    local v = redis.call('HMGET', KEYS[2], 'r' .. us(i), 't' .. us(i))
    found = {r = tonumber(v[1] or 0), t = tonumber(v[2] or 0)}
    seen[i] = found
  end
  return found[kind]
end
local function add(i, calls, amount)
  redis.call('HINCRBYFLOAT', KEYS[2], 'r' .. us(i), string.format('%.4f', calls))
  if amount ~= 0 then redis.call('HINCRBYFLOAT', KEYS[2], 't' .. us(i), string.format('%.4f', amount)) end
  seen[i] = nil
end

while (lo + 1) * B <= now - W do
  nr, nt = nr - bucket(lo, 'r'), nt - bucket(lo, 't')
  redis.call('HDEL', KEYS[2], 'r' .. us(lo), 't' .. us(lo))
  lo = lo + 1
end
-- What was not used leaves the minute where it was booked: a hole must come round again where it was.
for i = 9, 8 + 3 * n_unused, 3 do
  local at, calls, amount = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  if at >= lo then
    add(at, -calls, -amount)
    nr, nt = nr - calls, nt - amount
  end
end

-- What of the minute has left it by moment x.
local function out(x, kind)
  local edge, i, sum = x - W, lo, 0
  while (i + 1) * B <= edge do sum = sum + bucket(i, kind); i = i + 1 end
  if i * B < edge then sum = sum + bucket(i, kind) * (edge - i * B) / B end
  return sum
end
-- The moment from which `need` more fit into the minute.
local last = math.floor(math.max(now, r, tk) / B)
local function fits(kind, used, need, limit)
  local over = math.min(used + need - limit, used)
  local i = lo
  while over > 0 and i <= last do
    local v = bucket(i, kind)
    if v >= over then return (i + over / v) * B + W end
    over = over - v
    i = i + 1
  end
  return 0
end
-- Microseconds of one unit: the even pace; a little faster while the minute is behind, slower while it is ahead of it.
local function step(x, kind, used, limit)
  local even = W / limit
  local due = limit * math.min(1, (x - born) / W)
  local behind_s = (due - (used - out(x, kind))) * even / 1000000
  return even / math.max(0.5, math.min(fastest, 1 + behind_s / 2))
end

local function later(at)
  keep('r', us(r), 't', us(tk), 'born', us(born), 'lo', us(lo), 'nr', string.format('%.4f', nr), 'nt',
    string.format('%.4f', nt))
  redis.call('PEXPIRE', KEYS[2], 900000)
  return at
end

local start = math.max(now, r, hold)
if tpm > 0 then start = math.max(start, tk) end
if start - now > ahead then later(); return {now, -1, start - ahead, 0, 0} end
local limit_r, limit_t = rpm * (1 - spare), tpm * (1 - spare)
local step_r, step_t = step(start, 'r', nr, limit_r), 0
start = math.max(start, fits('r', nr, 1, limit_r), fits('r', nr, n, limit_r) - (n - 1) * step_r)
if tpm > 0 then
  step_t = step(start, 't', nt, limit_t)
  local one = tokens / n
  start = math.max(start, fits('t', nt, one, limit_t), fits('t', nt, tokens, limit_t) - (tokens - one) * step_t)
end
if start - now > ahead then later(); return {now, -1, start - ahead, 0, 0} end

r = start + n * step_r
if tpm > 0 then tk = start + tokens * step_t end
local lasts = n > 1 and math.max(n * step_r, tokens * step_t) or 1
local from = start
while from < start + lasts do
  local to = math.min(start + lasts, (math.floor(from / B) + 1) * B)
  local share = (to - from) / lasts
  add(math.floor(from / B), n * share, tokens * share)
  from = to
end
nr, nt = nr + n, nt + tokens
later()
return {now, start, 0, string.format('%.3f', step_r), string.format('%.6f', step_t)}
"""
)

HOLD = (
    _CLOCK
    + """
local held = tonumber(redis.call('HGET', KEYS[1], 'h') or 0)
local until_us = now + tonumber(ARGV[1])
if until_us > held then keep('h', us(until_us)) end
local calm = redis.call('HMGET', KEYS[1], 'c', 'cd')
local lasts = 10000000
if now < tonumber(calm[1] or 0) + 60000000 then lasts = math.min(600000000, 2 * tonumber(calm[2] or lasts)) end
keep('c', us(until_us + lasts), 'cd', us(lasts))
"""
)

LIMIT = (
    _CLOCK
    + """
keep('lr', ARGV[1], 'lt', ARGV[2], 'lu', us(now + tonumber(ARGV[3])))
"""
)
