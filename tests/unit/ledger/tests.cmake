foreach(part ledger settle)
  reelgate_test(unit-ledger-${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${part}_test.c USES reelgate-ledger-rule LABELS unit)
endforeach()
