-- begin: a recovery of this bucket starts. From here no batch can pass its second guard, until verify.
-- KEYS 1 meta. ARGV 1 fresh nonce  2 partitions of the journal
-- '<server ids> <journaled> <line>'; '0 -' without a line: read from zero.
argument(match(ARGV[1], '^%x+$') and whole(ARGV[2], 10, AMOUNT_MOST), 'form')
local meta = call('HMGET', KEYS[1], 'line', 'journaled', 'partitions', 'home')
local line, journaled = meta[1], meta[2] and whole(meta[2], 16, BALANCE_MOST)
call('HDEL', KEYS[1], 'verified', 'replayed')
call('HSET', KEYS[1], 'nonce', ARGV[1])
-- Under another count of partitions other users lived in this bucket: what is here says nothing.
if not line or not journaled or meta[3] ~= ARGV[2] or not at_home(meta[4]) then return server_ids() .. ' 0 -' end
return format('%s %d %s', server_ids(), journaled, line)
