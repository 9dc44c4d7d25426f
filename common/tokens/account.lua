-- granted, available, reserved, spent of a user; a user never heard of has nothing. What does not add up was
-- not written by these scripts: stop, and let an operator look, rather than move money on a wrong ground.
-- With the name of a counter its text comes fifth, false without.
local function account(key, counter)
  local row = call('HMGET', key, 'granted', 'available', 'reserved', 'spent', counter or 'spent')
  if not row[1] and not row[2] and not row[3] and not row[4] then return 0, 0, 0, 0, false end
  local granted, reserved, spent = whole(row[1], 16, BALANCE_MOST), whole(row[3], 16, BALANCE_MOST),
      whole(row[4], 16, BALANCE_MOST)
  local available = row[2] and match(row[2], '^%-?%d+$') and #row[2] <= 17 and tonumber(row[2])
  if not granted or not available or not reserved or not spent or available + reserved + spent ~= granted then
    error('ACCOUNT does not add up')
  end
  return granted, available, reserved, spent, row[5]
end
