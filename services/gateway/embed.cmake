# embed_pages(TARGET address file address file ...): compiles the files in, as the table PAGES (pages.h).
function(embed_pages target)
  set(number 0)
  set(rows "")
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs address file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/gateway/page_${number}.c @ONLY CONTENT
"/* Made by CMake from what is served as ${address}. */
#include \"gateway/pages_made.h\"

const unsigned char page_${number}[] = {
${bytes} 0
};
const size_t page_${number}_length = sizeof page_${number} - 1;
")
    target_sources(${target} PRIVATE ${PROJECT_BINARY_DIR}/generated/gateway/page_${number}.c)
    string(APPEND declared
      "extern const unsigned char page_${number}[];\nextern const size_t page_${number}_length;\n")
    string(APPEND rows "    { \"${address}\", page_${number}, &page_${number}_length },\n")
    math(EXPR number "${number} + 1")
  endwhile()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/gateway/pages_made.h @ONLY CONTENT
"/* Made by CMake: the files of the console. */
#include <stddef.h>
${declared}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/gateway/pages_made.c @ONLY CONTENT
"/* Made by CMake: the files of the console. */
#include \"gateway/pages.h\"
#include \"gateway/pages_made.h\"

const struct page PAGES[] = {
${rows}    { NULL, NULL, NULL },
};
")
  target_sources(${target} PRIVATE ${PROJECT_BINARY_DIR}/generated/gateway/pages_made.c)
endfunction()
