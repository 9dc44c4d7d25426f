-- reserve: hold tokens for one generation, or say why not. The answer is recorded with the origin that caused
-- it, and a recorded answer outranks anything that the caller would compute now.
-- A hold has no expiry and no clock frees it (hazards K13): only settle does, with what became of the task. A late
-- call of a paused worker meets the recorded answer and moves nothing twice (K12).
-- KEYS 1 meta  2 user  3 generation  4 open holds
-- ARGV 3 user id  4 generation id  5 origin  6 fingerprint  7 tokens  8 '<units> <model> <policy>'  9 now, ms
--      10 an error object if the request would be refused now, or ''  11 ms for which a refusal is remembered
-- 'held|insufficient|refused <answer>', 'refused' with its error behind; 'duplicate', 'conflict', 'waiting'.
-- An answer is '<tokens> <granted> <available> <reserved> <spent> <at> <units> <model> <policy>'.
local user, origin, fingerprint, refusal = ARGV[3], ARGV[5], ARGV[6], ARGV[10]
local tokens = whole(ARGV[7], 10, AMOUNT_MOST)
argument(tokens and (tokens > 0 or refusal ~= ''), 'tokens')
argument(match(ARGV[9], '^[1-9]%d*$') and #ARGV[9] <= TIME_DIGITS, 'time')
argument(match(ARGV[11], '^[1-9]%d*$') and #ARGV[11] <= TIME_DIGITS, 'window')
argument(match(origin, '/%d+@%d+$') and user ~= '' and ARGV[4] ~= '', 'form')

local known = call('HMGET', KEYS[3], 'user', 'state', 'origin', 'fingerprint', 'answer', 'moved', 'error')
local state = known[2]
if state and known[1] ~= user then return 'conflict' end
-- A replayed hold may not know its fingerprint.
local same_request = not known[4] or known[4] == '' or known[4] == fingerprint
if state == 'reserved' or state == 'settled' then
  if not same_request then return 'conflict' end
  if state == 'reserved' and not known[6] and known[3] == origin then return 'held ' .. known[5] end
  return 'duplicate'
end
if state then                                   -- refused before: again the same, superseded, or tried anew
  if known[3] == origin and same_request then
    return state .. ' ' .. known[5] .. (known[7] and ' ' .. known[7] or '')
  end
  if earlier(origin, known[3]) then return 'duplicate' end
end

local granted, available, reserved, spent = account(KEYS[2])
local outcome = 'reserved'
if refusal ~= '' then
  outcome = 'refused'
elseif available < 0 then
  return 'waiting'                              -- a grant that was lost unjournaled will come again
elseif available < tokens then
  outcome = 'insufficient'
else
  available, reserved = available - tokens, reserved + tokens
end
local answer = format('%d %d %d %d %d %s %s', tokens, granted, available, reserved, spent, ARGV[9], ARGV[8])

if outcome == 'reserved' then
  call('ZADD', KEYS[4], ARGV[9], ARGV[4])       -- first: the one key whose type was not read yet
  if state then call('DEL', KEYS[3]) end        -- an old refusal, with its expiry
  call('HSET', KEYS[3], 'user', user, 'state', 'reserved', 'origin', origin, 'fingerprint', fingerprint,
    'tokens', ARGV[7], 'answer', answer)
  call('HSET', KEYS[2], 'available', format('%d', available), 'reserved', format('%d', reserved))
  return 'held ' .. answer
end
if state then call('DEL', KEYS[3]) end
if outcome == 'refused' then
  call('HSET', KEYS[3], 'user', user, 'state', outcome, 'origin', origin, 'fingerprint', fingerprint,
    'answer', answer, 'error', refusal)
  answer = answer .. ' ' .. refusal
else
  call('HSET', KEYS[3], 'user', user, 'state', outcome, 'origin', origin, 'fingerprint', fingerprint,
    'answer', answer)
end
call('PEXPIRE', KEYS[3], ARGV[11])
return outcome .. ' ' .. answer
