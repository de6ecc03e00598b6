"""What Redis does in one step: when events arrive, and when a reader of a thread looks."""

# KEYS: the stream's state and events, and whether it is watched, which a thread's may be.
# ARGV: 1 field of the writer, 2 its batch, 3 milliseconds now, 4 keep events (1 or 0; 2 while
# it is watched, and then forget it: what is numbered afterwards begins later), 5 most
# events, 6 last number the writer knows, 7 to 10 milliseconds to keep both: while the run is in
# flight, after the end of a kept stream, of one somebody reads, of one nobody reads; 11 and 12
# channels of news and of the end, 13 the end or nothing, 14 its body, 15 events missing behind
# the last one; then for every event: events missing before it, name, data.
APPEND = """
local known = redis.call('HMGET', KEYS[1], 'n', 'ms', 'kept', 'end', ARGV[1])
local number, ms = tonumber(known[1] or ARGV[6]), tonumber(known[2] or 0)
local lasting = (ARGV[4] == '2')
local kept = (known[3] == '1' or ARGV[4] ~= '0')
if lasting and not known[1] then number = math.max(number, tonumber(ARGV[3])) end
local again = (known[5] == ARGV[2])
if known[4] and not again then
  return {number, ms, 0, 1}
end
if not again then
  -- A writer that knows a number finds no stream: Redis lost it, and the gap shows.
  local lost = 0
  if not known[1] and tonumber(ARGV[6]) > 0 then lost = 1 end
  ms = math.max(ms, tonumber(ARGV[3]))
  for i = 16, #ARGV, 3 do
    lost = lost + tonumber(ARGV[i])
    number = number + lost + 1
    local id = string.format('%.0f-%.0f', ms, number)
    if lost > 0 then
      redis.call('XADD', KEYS[2], id, 'e', ARGV[i + 1], 'd', ARGV[i + 2], 'g', '1')
    else
      redis.call('XADD', KEYS[2], id, 'e', ARGV[i + 1], 'd', ARGV[i + 2])
    end
    lost = 0
  end
  number = number + lost + tonumber(ARGV[15])
  redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[5])
  redis.call('HSET', KEYS[1], 'n', string.format('%.0f', number), 'ms', string.format('%.0f', ms),
    'kept', kept and '1' or '0', ARGV[1], ARGV[2])
  if ARGV[13] ~= '' then
    redis.call('HSET', KEYS[1], 'end', ARGV[13], 'body', ARGV[14])
  end
end
local readers = redis.call('PUBLISH', ARGV[11], 'news')
if lasting and ARGV[13] == '' then
  if redis.call('EXISTS', KEYS[3]) == 1 then readers = readers + 1 end
  if readers == 0 then
    redis.call('DEL', KEYS[1], KEYS[2])
    return {number, ms, 0, 0}
  end
end
local stay = ARGV[7]
if ARGV[13] ~= '' then
  local waiters = redis.call('PUBLISH', ARGV[12], 'end')
  stay = kept and ARGV[8] or (readers + waiters > 0 and ARGV[9] or ARGV[10])
end
redis.call('PEXPIRE', KEYS[1], stay)
redis.call('PEXPIRE', KEYS[2], stay)
return {number, ms, readers, 0}
"""

# KEYS as above. ARGV: 1 milliseconds now, 2 milliseconds it counts as watched, 3 milliseconds to
# keep it all without events. Answers what a reader asks of every stream.
WATCH = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'n', ARGV[1], 'ms', ARGV[1], 'kept', '1')
end
redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return redis.call('HMGET', KEYS[1], 'ms', 'n', 'kept', 'end', 'body')
"""
