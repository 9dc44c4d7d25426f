-- This server, as meta.verified begins: its run id (a restart changes it) and replication id (a promotion
-- changes it, and so does the first replica). Plain find: a pattern over all of INFO took longer than INFO.
local function info_field(section, name)
  local info = call('INFO', section)
  local _, colon = string.find(info, name, 1, true)
  return string.sub(info, colon + 1, string.find(info, '\r', colon, true) - 1)
end

local function server_ids()
  return info_field('server', '\nrun_id:') .. ':' .. info_field('replication', '\nmaster_replid:')
end
