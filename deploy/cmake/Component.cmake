# Before the first target of a folder: its lines are counted, if it is one of those.
function(reelgate_count_lines)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  if(REELGATE_COVERAGE AND folder IN_LIST REELGATE_COUNTED)
    add_compile_options(--coverage -fprofile-update=atomic)
  endif()
endfunction()

# reelgate_library(NAME USES targets...): every .c of this folder becomes one static library.
# Includes are written from the folders common/ and the top: "kafka/consumer.h", "proto/event.h".
function(reelgate_library name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  reelgate_count_lines()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/common ${PROJECT_SOURCE_DIR}
    ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(${name} PUBLIC reelgate-flags ${ARG_USES})
endfunction()

# reelgate_program(NAME USES targets...): main.c and the rest of this folder. The rest is also a library (NAME-rule),
# so that unit tests can link the rule without main.
function(reelgate_program name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  reelgate_count_lines()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  add_library(${name}-rule STATIC ${sources})
  target_include_directories(${name}-rule PUBLIC ${PROJECT_SOURCE_DIR}/services ${PROJECT_SOURCE_DIR}/common
    ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(${name}-rule PUBLIC reelgate-flags ${ARG_USES})
  add_executable(${name} main.c)
  if(REELGATE_COVERAGE)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/coverage/dump.c)
  endif()
  target_link_libraries(${name} PRIVATE ${name}-rule)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# reelgate_test(NAME SOURCES files... USES targets... [ARGS ...] [LABELS ...]): one Check program, one ctest entry.
function(reelgate_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;ARGS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} PkgConfig::CHECK)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 120)
endfunction()
