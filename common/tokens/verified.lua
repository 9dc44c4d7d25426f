-- In the scripts that move money, or read for those that do: nothing happens in a bucket whose verified is
-- not the caller's.
-- ARGV[1] is the value that the caller holds. ARGV[2] is 'ids' where Redis has replicas: then verified is
-- also compared with the server's own ids, because a promotion may keep client connections open (design,
-- section 5).
if call('HGET', KEYS[1], 'verified') ~= ARGV[1] then return 'unverified' end
if ARGV[2] == 'ids' then
  local server, replication = call('INFO', 'server'), call('INFO', 'replication')
  local _, run_id = string.find(server, '\nrun_id:', 1, true)
  local _, replication_id = string.find(replication, '\nmaster_replid:', 1, true)
  local ids = string.sub(server, run_id + 1, run_id + 40) .. ':'
      .. string.sub(replication, replication_id + 1, replication_id + 40) .. ':'
  if string.sub(ARGV[1], 1, #ids) ~= ids then return 'unverified' end
end
