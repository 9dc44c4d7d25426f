-- Put between account.lua and the scripts that move money or read for those that do: nothing happens in a bucket whose
-- verified is not the caller's.
if call('HGET', KEYS[1], 'verified') ~= ARGV[1] then return 'unverified' end
if ARGV[2] == 'ids' and match(ARGV[1], '^%w+:%w+') ~= server_ids() then return 'unverified' end
