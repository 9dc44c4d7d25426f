if(TARGET reelgate-gateway-rule)
  foreach(area routes keys cursor limits usage search view write)
    reelgate_test(unit-gateway-${area} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${area}_test.c USES reelgate-gateway-rule
      LABELS unit)
  endforeach()
endif()
