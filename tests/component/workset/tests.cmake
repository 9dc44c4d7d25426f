reelgate_test(workset-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/workset_test.c ${CMAKE_CURRENT_LIST_DIR}/crew.c
  ${CMAKE_CURRENT_LIST_DIR}/../kafka/broker.c USES reelgate-worker LABELS component)
# A commit whose answer gets lost, or a pause right before a transaction, can't be asked of a broker: the test stands in between.
target_link_options(workset-test PRIVATE -Wl,--wrap=kafka_producer_commit -Wl,--wrap=kafka_producer_begin)
set_tests_properties(workset-test PROPERTIES TIMEOUT 300 COST 100)     # the longest one begins first
reelgate_test(workset-note-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/note_test.c ${CMAKE_CURRENT_LIST_DIR}/crew.c
  ${CMAKE_CURRENT_LIST_DIR}/../kafka/broker.c USES reelgate-worker LABELS component)
set_tests_properties(workset-note-test PROPERTIES TIMEOUT 200)
