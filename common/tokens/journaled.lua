-- journaled: every entry below this offset is applied here; never moves back, never under another line.
-- KEYS 1 meta. ARGV 1 line  2 offset. 'ok' or 'differs'.
local offset = whole(ARGV[2], 16, BALANCE_MOST)
argument(offset, 'offset')
local meta = call('HMGET', KEYS[1], 'verified', 'line', 'journaled')
if not meta[1] or meta[2] ~= ARGV[1] or match(meta[1], '^%w+:%w+') ~= server_ids()
    or match(meta[1], '[^:]*$') ~= ARGV[1] then
  return 'differs'
end
local before = whole(meta[3] or '0', 16, BALANCE_MOST) or 0
if offset > before then call('HSET', KEYS[1], 'journaled', ARGV[2]) end
return 'ok'
