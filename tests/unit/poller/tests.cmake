if(TARGET reelgate-poller-rule)
  foreach(area look pace progress)
    reelgate_test(unit-poller-${area} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${area}_test.c
      USES reelgate-poller-rule LABELS unit)
  endforeach()
  # The program's own code over a work set, a provider and a clock in memory.
  reelgate_test(unit-poller-scenes
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/scenes_test.c ${CMAKE_CURRENT_LIST_DIR}/../generator/workset_fake.c
    USES reelgate-poller-rule LABELS unit)
  target_link_options(unit-poller-scenes PRIVATE -Wl,--wrap=clock_mono_ms -Wl,--wrap=clock_wall_ms)
endif()
