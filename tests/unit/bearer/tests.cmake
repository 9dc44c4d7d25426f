reelgate_test(unit-bearer SOURCES ${CMAKE_CURRENT_LIST_DIR}/bearer_test.c USES reelgate-bearer PkgConfig::LIBJWT LABELS unit)
