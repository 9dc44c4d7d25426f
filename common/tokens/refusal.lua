-- Is origin an earlier record of the partition that the recorded one came from? A refusal is superseded for
-- those.
local function earlier(origin, recorded)
  local partition, offset = match(origin, '^(.*)@(%d+)$')
  local recorded_partition, recorded_offset = match(recorded or '', '^(.*)@(%d+)$')
  return partition ~= nil and partition == recorded_partition and tonumber(offset) < tonumber(recorded_offset)
end
