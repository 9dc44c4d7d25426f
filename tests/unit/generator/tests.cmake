if(TARGET reelgate-generator-rule)
  foreach(area turns submit breaker crowd)
    reelgate_test(unit-generator-${area} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${area}_test.c
      USES reelgate-generator-rule LABELS unit)
  endforeach()
  # The program's own code over a work set, a provider and a clock in memory.
  foreach(area submission takeover walk words)
    reelgate_test(unit-generator-${area}
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/${area}_test.c ${CMAKE_CURRENT_LIST_DIR}/workset_fake.c
      USES reelgate-generator-rule LABELS unit)
    target_link_options(unit-generator-${area} PRIVATE -Wl,--wrap=clock_mono_ms -Wl,--wrap=clock_wall_ms)
  endforeach()
endif()
