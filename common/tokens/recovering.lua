-- In the scripts of a recovery under way: nothing happens unless its nonce still stands, on the server where
-- it began. ARGV[1] is the nonce, ARGV[2] the server's ids as begin gave them.
if call('HGET', KEYS[1], 'nonce') ~= ARGV[1] or server_ids() ~= ARGV[2] then return 'differs' end
