foreach(area text clock ids log backoff param)
  reelgate_test(unit-base-${area} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${area}_test.c USES reelgate-base
    PkgConfig::ZLIB LABELS unit)
endforeach()
