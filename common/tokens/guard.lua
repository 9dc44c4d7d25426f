-- guard: does the bucket carry a verified value, and is it this server's? A difference with the server clears
-- it, so that no batch can pass afterwards.
-- KEYS 1 meta. ARGV 1 the value that the caller holds, or ''  2 'write' where Redis has replicas: then a server that
-- takes no writes (min-replicas-to-write) answers with an error.
-- 'ok'; 'unverified'; or another value that stands, for a caller that may adopt it.
local verified = call('HGET', KEYS[1], 'verified')
if not verified then return 'unverified' end
if match(verified, '^%w+:%w+') ~= server_ids() then
  call('HDEL', KEYS[1], 'verified')
  return 'unverified'
end
if ARGV[2] == 'write' then call('HSET', KEYS[1], 'verified', verified) end
if verified == ARGV[1] then return 'ok' end
return verified
