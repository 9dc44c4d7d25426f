# Sourced by the entry points: configures and builds one preset of CMakePresets.json.
#
#   build_preset release

build_preset() {
  local preset=$1
  if [ ! -f "build/$preset/build.ninja" ]; then
    step "Configuring ($preset)" "build/log/configure-$preset.log" cmake --preset "$preset" || return 1
  fi
  step "Building ($preset)" "build/log/build-$preset.log" cmake --build --preset "$preset"
}
