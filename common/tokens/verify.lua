-- verify: the bucket holds all that the journal holds; batches may run again.
-- KEYS 1 meta. ARGV 1 nonce  2 server ids  3 partitions of the journal  4 offset up to which it was replayed
-- 'ok' or 'differs'. A repeat after a lost answer is 'ok'.
local journaled = whole(ARGV[4], 16, BALANCE_MOST)
argument(journaled and whole(ARGV[3], 10, AMOUNT_MOST), 'form')
local value = ARGV[2] .. ':' .. ARGV[3] .. ':' .. ARGV[1]
local meta = call('HMGET', KEYS[1], 'nonce', 'verified')
if server_ids() ~= ARGV[2] then return 'differs' end
if meta[2] == value then return 'ok' end
if meta[1] ~= ARGV[1] then return 'differs' end
call('HSET', KEYS[1], 'verified', value, 'line', ARGV[1], 'journaled', ARGV[4], 'partitions', ARGV[3],
  'home', home())
call('HDEL', KEYS[1], 'nonce', 'replayed')
return 'ok'
