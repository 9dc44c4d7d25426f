# The contract test is Python: a real validator and a second parser judge what the C side writes and reads.
# REELGATE_PYTHON names an interpreter that has tests/requirements.txt installed: a cache variable, else the
# environment's, else python3.
if(NOT REELGATE_PYTHON)
  set(REELGATE_PYTHON "$ENV{REELGATE_PYTHON}")
endif()
if(NOT REELGATE_PYTHON)
  set(REELGATE_PYTHON python3)
endif()
add_executable(contract-dump ${CMAKE_CURRENT_LIST_DIR}/dump.c ${CMAKE_CURRENT_LIST_DIR}/samples.c)
add_executable(contract-decode ${CMAKE_CURRENT_LIST_DIR}/decode.c)
foreach(program contract-dump contract-decode)
  target_include_directories(${program} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${program} PRIVATE reelgate-proto)
endforeach()
add_test(NAME contract COMMAND ${REELGATE_PYTHON} -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_LIST_DIR}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set(contract_environment
  CONTRACT_DUMP=$<TARGET_FILE:contract-dump> CONTRACT_DECODE=$<TARGET_FILE:contract-decode>
  ASAN_OPTIONS=detect_leaks=0 PYTHONDONTWRITEBYTECODE=1)
set_tests_properties(contract PROPERTIES LABELS contract TIMEOUT 300 ENVIRONMENT "${contract_environment}")
