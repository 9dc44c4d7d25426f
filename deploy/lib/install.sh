# Sourced by the entry points: puts on a Debian 12 machine what is missing to build, run and test Reelgate, as
# root or through sudo. It looks first, so that a second run is quick and needs no network.
#
#   install_missing build run test

# What is needed for what: package, then how to see that it is there without asking apt (a newer one built by
# hand and found through PATH or PKG_CONFIG_PATH is as good).
install_build='
gcc                 command:gcc
libc6-dev           file:/usr/include/stdio.h
cmake               command:cmake
ninja-build         command:ninja
pkg-config          command:pkg-config
librdkafka-dev      library:rdkafka
libhiredis-dev      library:hiredis
libcurl4-openssl-dev library:libcurl
libjansson-dev      library:jansson
libmicrohttpd-dev   library:libmicrohttpd
libssl-dev          library:libcrypto
libjwt-dev          library:libjwt
zlib1g-dev          library:zlib
check               library:check
libjs-chart.js      file:/usr/share/javascript/chart.js/chart.min.js'
install_run='
ca-certificates     file:/etc/ssl/certs/ca-certificates.crt
python3             file:/usr/bin/python3
redis-server        command:redis-server
default-jre-headless command:java
maven               command:mvn
kcat                command:kcat'
install_test='
python3-venv        python:ensurepip
default-jdk-headless command:javac
redis-tools         command:redis-cli
openssl             command:openssl
nginx-light         command:nginx
nodejs              command:node
npm                 command:npm
prometheus          command:promtool
chromium            command:chromium
chromium-driver     command:chromedriver
clang-tidy          command:clang-tidy
cppcheck            command:cppcheck'
# Only for fuzzing (tests/run --long, tests/fuzz/run), and for tests/coverage/run.
install_fuzz='
clang-14            command:clang-14
libclang-rt-14-dev  package:libclang-rt-14-dev'
install_coverage='
gcovr               command:gcovr'

install_present() {
  case $1 in
    command:*) command -v "${1#*:}" ;;
    file:*)    test -e "${1#*:}" ;;
    package:*) dpkg-query -W -f '${Status}' "${1#*:}" | grep -q ' installed$' ;;
    library:*) command -v pkg-config && pkg-config --exists "${1#*:}" ;;
    python:*)  /usr/bin/python3 -c "import ${1#*:}" ;;
  esac >/dev/null 2>&1
}

# A package's service must not be started by its installation, nor at the next boot: the stack starts its own
# processes on ports of its own, and a Redis on 6379 or a Prometheus on 9090 may be somebody else's.
install_without_services() {
  local policy=/usr/sbin/policy-rc.d made= service status
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
  status=$?
  if [ -n "$made" ]; then rm -f "$policy"; fi
  for service in redis-server prometheus prometheus-node-exporter nginx; do
    case " $* " in
      *" $service "*) if command -v systemctl >/dev/null; then systemctl disable "$service" || true; fi ;;
    esac
  done
  return "$status"
}

install_as_root() {
  if [ "$(id -u)" = 0 ]; then bash -c "$1"; else sudo bash -c "$1"; fi
}

install_packages() {
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "Missing: $*. Install them as root: apt-get install $*" >&2
    return 1
  fi
  if ! command -v apt-get >/dev/null; then
    echo "Missing: $*. This is not Debian: install what these packages hold by your own means." >&2
    return 1
  fi
  if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    echo "  Installing needs root: sudo asks for your password."
    sudo -v || return 1
  fi
  step "Reading the package lists" build/log/apt-update.log install_as_root 'apt-get update' || return 1
  step "Installing $*" build/log/apt-install.log \
    install_as_root "$(declare -f install_without_services); install_without_services $*"
}

# Apache Kafka is not in Debian; its jars come through Maven, once per version.
install_kafka() {
  local pom=deploy/kafka/pom.xml libs=build/kafka/libs
  if cmp -s "$pom" build/kafka/pom.xml; then return 0; fi
  rm -rf "$libs" build/kafka/pom.xml
  step "Fetching Apache Kafka" build/log/kafka-fetch.log \
    mvn -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$PWD/$libs" ||
    return 1
  cp "$pom" build/kafka/pom.xml        # last: an interrupted fetch is done again
}

install_missing() {
  local group package probe missing=()
  for group in "$@"; do
    local list=install_$group
    while read -r package probe; do
      if [ -n "$package" ] && ! install_present "$probe"; then missing+=("$package"); fi
    done <<<"${!list}"
  done
  if [ "${#missing[@]}" -gt 0 ]; then install_packages "${missing[@]}" || return 1; fi
  case " $* " in *" run "*) install_kafka ;; esac
}
