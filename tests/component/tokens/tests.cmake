foreach(name reserve settle grant script fault recovery property cluster)
  reelgate_test(component-tokens-${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/bench.c
    USES reelgate-tokens reelgate-harness-redis LABELS component)
endforeach()
