reelgate_test(unit-tokens-answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/answers_test.c USES reelgate-tokens LABELS unit)
target_link_options(unit-tokens-answers PRIVATE -Wl,--wrap=planted_bug)
