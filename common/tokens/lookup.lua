-- lookup: does this generation of this user exist? Another user's is unknown.
-- KEYS 1 meta  2 generation. ARGV 3 user id
-- 'unknown', 'held' or 'ended' (settled, or refused a short while ago).
local known = call('HMGET', KEYS[2], 'user', 'state')
if known[1] ~= ARGV[3] or not known[2] then return 'unknown' end
return known[2] == 'reserved' and 'held' or 'ended'
