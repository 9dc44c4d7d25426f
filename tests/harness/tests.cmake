add_library(reelgate-harness-redis STATIC ${CMAKE_CURRENT_LIST_DIR}/redis_server.c ${CMAKE_CURRENT_LIST_DIR}/redis_nodes.c)
target_include_directories(reelgate-harness-redis PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(reelgate-harness-redis PUBLIC reelgate-redis reelgate-base reelgate-flags)
