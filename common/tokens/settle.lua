-- settle: end a hold; commit the charge, release the rest. It can't fail for lack of tokens: they are
-- reserved.
-- KEYS 1 meta  2 user  3 generation  4 open holds  5 view  6 tokens of the day  7 top users
--      8 recent generations of the user
-- ARGV 3 user id  4 generation id  5 origin  6 charge or 'all'  7 now, ms  8 status  9 view (JSON) or ''
--      10 ms for which an ended generation is remembered
-- 'done <committed> <released> <commit balance> <release balance> <at> <reserve answer>';
-- 'duplicate', 'no_hold'.
local user, origin = ARGV[3], ARGV[5]
local charge = ARGV[6] == 'all' and BALANCE_MOST or whole(ARGV[6], 16, BALANCE_MOST)
local at, window = whole(ARGV[7], TIME_DIGITS, BALANCE_MOST), whole(ARGV[10], TIME_DIGITS, BALANCE_MOST)
argument(charge, 'charge')
argument(at and window and window > 0 and match(origin, '/%d+@%d+$') and user ~= '' and ARGV[4] ~= '', 'form')

local known = call('HMGET', KEYS[3], 'user', 'state', 'tokens', 'answer', 'settle_origin', 'committed',
  'released', 'commit_balance', 'release_balance', 'settled_at', 'moved', 'counted')
if known[1] ~= user or not known[3] then return 'no_hold' end
if known[2] == 'settled' then
  if known[5] ~= origin then return 'duplicate' end
  return format('done %s %s %s %s %s %s', known[6], known[7], known[8], known[9], known[10], known[4])
end
local held = whole(known[3], 10, AMOUNT_MOST)
-- A journal with one half of a settlement leaves a hold that is settled in part (hazards K1): only the rest
-- moves now.
local committed_before = whole(known[6] or '0', 10, AMOUNT_MOST)
local released_before = whole(known[7] or '0', 10, AMOUNT_MOST)
if known[2] ~= 'reserved' or not held or not committed_before or not released_before
    or committed_before + released_before > held then
  error('GENERATION is not a hold')
end
local rest = held - committed_before - released_before
local commit = math.min(math.max(charge - committed_before, 0), rest)
local counter = committed_before + commit > 0 and 'charged' or 'freed'
local granted, available, reserved, spent, count = account(KEYS[2], counter)
if reserved < rest then error('ACCOUNT holds less than its generation') end

reserved, spent = reserved - commit, spent + commit
local after_commit = format('%d %d %d %d', granted, available, reserved, spent)
local release = rest - commit
available, reserved = available + release, reserved - release
local after_release = format('%d %d %d %d', granted, available, reserved, spent)
local committed, released = format('%d', committed_before + commit), format('%d', released_before + release)

call('ZREM', KEYS[4], ARGV[4])                  -- first: the one key whose type was not read yet
call('HSET', KEYS[3], 'state', 'settled', 'moved', '1', 'counted', '1', 'settle_origin', origin,
  'settled_at', ARGV[7], 'committed', committed, 'released', released, 'commit_balance', after_commit,
  'release_balance', after_release)
call('PEXPIRE', KEYS[3], ARGV[10])
call('HSET', KEYS[2], 'available', format('%d', available), 'reserved', format('%d', reserved), 'spent',
  format('%d', spent), counter, format('%d', (whole(count, 15, BALANCE_MOST) or 0) + 1))

-- Views from here on.
show(KEYS[5], user, ARGV[8], ARGV[7], ARGV[9], ARGV[10])
if not known[11] then list(KEYS[8], ARGV[7], ARGV[4], ARGV[10]) end
if not known[12] then count_day(KEYS[6], 'reserve', held) end
if commit > 0 then
  count_day(KEYS[6], 'commit', commit)
  redis.pcall('ZADD', KEYS[7], format('%d', spent), user)
end
if release > 0 then count_day(KEYS[6], 'release', release) end
return format('done %s %s %s %s %s %s', committed, released, after_commit, after_release, ARGV[7], known[4])
