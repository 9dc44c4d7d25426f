# What the gateway embeds and serves, in pairs: the address, the file. Chart.js is taken from Debian's package
# libjs-chart.js (MIT, 3.9.1) when building, as every other library that we keep: its updates come with the
# system's, and no 200 KB of somebody else's code lie in our tree.
set(console_folder ${CMAKE_CURRENT_LIST_DIR})

find_file(REELGATE_CHART_JS NAMES chart.min.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist REQUIRED
  DOC "Chart.js as one minified file, from Debian's package libjs-chart.js")

set(REELGATE_CONSOLE_FILES
  /      ${console_folder}/index.html
  /admin ${console_folder}/admin.html
  /assets/chart.min.js ${REELGATE_CHART_JS})

file(GLOB console_assets CONFIGURE_DEPENDS
  ${console_folder}/assets/*.css ${console_folder}/assets/*.js ${console_folder}/assets/*.svg)
foreach(file IN LISTS console_assets)
  get_filename_component(name ${file} NAME)
  list(APPEND REELGATE_CONSOLE_FILES /assets/${name} ${file})
endforeach()
