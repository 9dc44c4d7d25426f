-- progress: a later event of this generation was seen committed. Its request's record is done for good: the
-- same origin again means that offsets were moved back. Also keeps the view for status and console.
-- KEYS 1 meta  2 generation  3 view  4 recent generations of the user  5 tokens of the day
-- ARGV 3 user id  4 generation id  5 status  6 view (JSON) or ''  7 at, ms  8 ms for which a view is kept
-- Always 'ok'.
local user, status = ARGV[3], ARGV[5]
local at, window = whole(ARGV[7], TIME_DIGITS, BALANCE_MOST), whole(ARGV[8], TIME_DIGITS, BALANCE_MOST)
argument(at and window and window > 0 and user ~= '' and ARGV[4] ~= '', 'form')

local known = call('HMGET', KEYS[2], 'user', 'state', 'tokens', 'moved', 'counted')
if known[1] and known[1] ~= user then return 'ok' end
-- A rejection never marks: after a refusal the id may have been tried anew, by a record whose transaction is
-- still open.
local held = known[2] == 'reserved' and status ~= 'rejected'
if held and not known[4] then
  call('HSET', KEYS[2], 'moved', '1', 'counted', '1')
  list(KEYS[4], ARGV[7], ARGV[4], ARGV[8])
  local tokens = whole(known[3], 10, AMOUNT_MOST)
  if tokens and not known[5] then count_day(KEYS[5], 'reserve', tokens) end     -- a replayed hold is counted
end
local late = known[2] == 'settled' or (known[2] == 'reserved' and status == 'rejected')
if late then return 'ok' end
show(KEYS[3], user, status, ARGV[7], ARGV[6], ARGV[8])
if not held then list(KEYS[4], ARGV[7], ARGV[4], ARGV[8]) end
return 'ok'
