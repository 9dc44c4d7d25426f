-- What every money script begins with; the build puts this text before each of them.
--
-- KEYS[1] is always the bucket's meta hash. ARGV[1] is the value of meta.verified that the caller holds. ARGV[2] is 'ids'
-- where Redis has replicas: then the script also compares verified with the server's own ids, because a promotion may
-- keep client connections open (design, section 5).
--
-- Order inside each script: read and check everything, then write. Lua in Redis is atomic but not transactional: what was
-- written before an error stays (hazards R2). Texts of users never get into an error reply (R9).
local call, match, format = redis.call, string.match, string.format

-- This server, as meta.verified begins: its run id (a restart changes it) and replication id (a promotion changes it).
local function server_ids()
  return match(call('INFO', 'server'), 'run_id:(%w+)') .. ':'
      .. match(call('INFO', 'replication'), 'master_replid:(%w+)')
end

-- false, or the exact integer that the text is: no sign, blank, exponent, hex or leading zero gets through (R3).
local function whole(text, digits, most)
  if not text or #text > digits or not (text == '0' or match(text, '^[1-9]%d*$')) then return false end
  local number = tonumber(text)
  return number <= most and number
end

local AMOUNT_MOST = 2147483648                  -- one price, one grant: 2^31
local BALANCE_MOST = 9007199254740991           -- 2^53 - 1: exact in Lua, in every JSON reader and in '%d'
local TIME_DIGITS = 15

-- granted, available, reserved, spent of a user; a user never heard of has nothing. What does not add up was not written
-- by these scripts: stop, and let an operator look, rather than move money on a wrong ground.
local function account(key)
  local row = call('HMGET', key, 'granted', 'available', 'reserved', 'spent')
  if not row[1] and not row[2] and not row[3] and not row[4] then return 0, 0, 0, 0 end
  local granted, reserved, spent = whole(row[1], 16, BALANCE_MOST), whole(row[3], 16, BALANCE_MOST),
      whole(row[4], 16, BALANCE_MOST)
  local available = row[2] and match(row[2], '^%-?%d+$') and #row[2] <= 17 and tonumber(row[2])
  if not granted or not available or not reserved or not spent or available + reserved + spent ~= granted then
    error('ACCOUNT does not add up')
  end
  return granted, available, reserved, spent
end

-- Is origin an earlier record of the partition that the recorded one came from? A refusal is superseded for those.
local function earlier(origin, recorded)
  local partition, offset = match(origin, '^(.*)@(%d+)$')
  local recorded_partition, recorded_offset = match(recorded or '', '^(.*)@(%d+)$')
  return partition ~= nil and partition == recorded_partition and tonumber(offset) < tonumber(recorded_offset)
end

-- Views only: never raises. A day's first count sets its expiry, so that days go away by themselves after 400.
local function count_day(key, field, tokens)
  if redis.pcall('HINCRBY', key, field, tokens) == tokens then redis.pcall('EXPIRE', key, 34560000) end
end

local function argument(good, name)
  if not good then error('ARGUMENT ' .. name) end
end
