reelgate_test(unit-ledger SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_test.c USES reelgate-ledger-rule LABELS unit)
