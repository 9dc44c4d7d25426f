-- Where a bucket was verified: '<id of the node> <replication id>' in a Redis Cluster, '' elsewhere. A slot moves from
-- node to node key by key: a crash or failover of its new node on the way may lose some of them, and what is left is no
-- earlier state of the bucket, as a restart or a promotion leaves one. So `journaled` says nothing on another node, unless
-- that one was this node's replica.
local function home()
  if not string.find(call('INFO', 'cluster'), 'cluster_enabled:1', 1, true) then return '' end
  return call('CLUSTER', 'MYID') .. ' ' .. info_field('replication', '\nmaster_replid:')
end

local function at_home(stored)
  local here = home()
  if here == '' then return true end
  local node, replication_id = match(stored or '', '^(%w+) (%w+)$')
  return node == match(here, '^%w+') or (replication_id ~= nil
      and (replication_id == match(here, '%w+$') or replication_id == info_field('replication', '\nmaster_replid2:')))
end
