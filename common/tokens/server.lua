-- This server, as meta.verified begins: its run id (a restart changes it) and replication id (a promotion
-- changes it).
local function server_ids()
  return match(call('INFO', 'server'), 'run_id:(%w+)') .. ':'
      .. match(call('INFO', 'replication'), 'master_replid:(%w+)')
end
