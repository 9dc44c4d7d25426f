foreach(part metrics settings health topic_rules)
  reelgate_test(unit-worker-${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${part}_test.c
    USES reelgate-worker LABELS unit)
endforeach()
reelgate_test(unit-worker-batch
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/batch_test.c ${CMAKE_CURRENT_LIST_DIR}/batch_fakes.c
  USES reelgate-worker LABELS unit)
target_link_options(unit-worker-batch PRIVATE -Wl,--wrap=clock_mono_ms)
reelgate_test(unit-worker-record SOURCES ${CMAKE_CURRENT_LIST_DIR}/record_test.c USES reelgate-worker LABELS unit)
target_link_options(unit-worker-record PRIVATE -Wl,--wrap=kafka_record_header)
