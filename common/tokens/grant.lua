-- grant: add tokens, or correct them (negative; may not push available below zero). The record of a grant
-- never expires; a refused correction is remembered as long as a refused request, under the same rules.
-- KEYS 1 meta  2 user  3 grant  4 tokens of the day
-- ARGV 3 user id  4 grant id  5 origin  6 amount  7 now, ms  8 ms for which a refusal is remembered
-- 'done|refused <amount> <granted> <available> <reserved> <spent> <at>'; 'duplicate', 'conflict'.
local user, origin = ARGV[3], ARGV[5]
local size = whole(match(ARGV[6], '^%-?(%d+)$'), 10, AMOUNT_MOST)
local at, window = whole(ARGV[7], TIME_DIGITS, BALANCE_MOST), whole(ARGV[8], TIME_DIGITS, BALANCE_MOST)
argument(size and size > 0, 'amount')
argument(at and window and window > 0 and match(origin, '/%d+@%d+$') and user ~= '' and ARGV[4] ~= '', 'form')
local amount = string.sub(ARGV[6], 1, 1) == '-' and -size or size

local known = call('HMGET', KEYS[3], 'user', 'state', 'amount', 'origin', 'answer')
local state = known[2]
if state and known[1] ~= user then return 'conflict' end
if state == 'done' then
  if known[3] ~= ARGV[6] then return 'conflict' end
  return known[4] == origin and 'done ' .. known[5] or 'duplicate'
end
if state then                                   -- refused before
  if known[4] == origin and known[3] == ARGV[6] then return 'refused ' .. known[5] end
  if earlier(origin, known[4]) then return 'duplicate' end
end

local granted, available, reserved, spent = account(KEYS[2])
local outcome = 'done'
if (amount < 0 and available + amount < 0) or granted + amount > BALANCE_MOST then
  outcome = 'refused'
else
  granted, available = granted + amount, available + amount
end
local answer = format('%d %d %d %d %d %d', amount, granted, available, reserved, spent, at)

if state then call('DEL', KEYS[3]) end
call('HSET', KEYS[3], 'user', user, 'state', outcome, 'amount', ARGV[6], 'origin', origin, 'answer', answer)
if outcome == 'refused' then
  call('PEXPIRE', KEYS[3], ARGV[8])
  return 'refused ' .. answer
end
call('HSET', KEYS[2], 'granted', format('%d', granted), 'available', format('%d', available), 'reserved',
  format('%d', reserved), 'spent', format('%d', spent))
count_day(KEYS[4], 'grant', amount)
return 'done ' .. answer
