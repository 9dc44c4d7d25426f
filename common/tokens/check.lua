-- check: is this server fit? Reads only. No keys, no arguments.
-- '<role> <maxmemory policy> <replicas> <min-replicas-to-write set: 0 or 1>'
local replication = redis.call('INFO', 'replication')
return string.match(replication, 'role:(%w+)') .. ' '
    .. string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:([%w-]+)') .. ' '
    .. string.match(replication, 'connected_slaves:(%d+)') .. ' '
    .. (string.find(replication, 'min_slaves_good_slaves:', 1, true) and '1' or '0')
