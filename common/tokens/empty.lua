-- empty: delete keys of the bucket, a few at a time. line and journaled go first: a recovery that dies half
-- way must not leave them behind as if the rest were still there.
-- KEYS 1 meta, then the keys to delete. ARGV 1 nonce  2 server ids. 'ok' or 'differs'.
call('HDEL', KEYS[1], 'line', 'journaled', 'partitions', 'home')
for i = 2, #KEYS do call('UNLINK', KEYS[i]) end
return 'ok'
