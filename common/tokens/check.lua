-- check: what this server says of itself. Reads only. No keys, no arguments.
-- '<role> <maxmemory policy> <replicas> <replicas in time, -1 where none is needed to write> <was a replica: 0 or 1>'
local replication = redis.call('INFO', 'replication')
return string.match(replication, 'role:(%w+)') .. ' '
    .. string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:([%w-]+)') .. ' '
    .. string.match(replication, 'connected_slaves:(%d+)') .. ' '
    .. (string.match(replication, 'min_slaves_good_slaves:(%d+)') or '-1') .. ' '
    .. (string.find(replication, 'second_repl_offset:-1', 1, true) and '0' or '1')
