-- In the scripts that move money, or read for those that do: nothing happens in a bucket whose verified is
-- not the caller's.
-- ARGV[1] is the value that the caller holds. ARGV[2] is 'ids' where Redis has replicas: then verified is
-- also compared with the server's own ids, because a promotion may keep client connections open (design,
-- section 5).
if call('HGET', KEYS[1], 'verified') ~= ARGV[1] then return 'unverified' end
if ARGV[2] == 'ids' then
  local run_id = match(call('INFO', 'server'), '\nrun_id:(%w+)')
  local replication_id = match(call('INFO', 'replication'), '\nmaster_replid:(%w+)')
  if match(ARGV[1], '^%w+:%w+:') ~= run_id .. ':' .. replication_id .. ':' then return 'unverified' end
end
