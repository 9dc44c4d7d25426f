# Sourced by the entry points: configures and builds one preset of CMakePresets.json, with more cache settings
# if given.
#
#   build_preset release
#   build_preset sanitize -DREELGATE_PYTHON=/usr/bin/python3

build_preset() {
  local preset=$1
  shift
  step "Configuring ($preset)" "build/log/configure-$preset.log" cmake --preset "$preset" "$@" &&
    step "Building ($preset)" "build/log/build-$preset.log" cmake --build --preset "$preset"
}
