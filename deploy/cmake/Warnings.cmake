# Flags of the OpenSSF compiler hardening guide that gcc 12 takes. A sanitizer build drops FORTIFY and the automatic
# variable initialisation: both hide from the sanitizers what they are there to find.
option(REELGATE_TEST_BUILD "Crash points (common/base/crash_point.h) and planted bugs (common/base/planted.h)" OFF)
option(REELGATE_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
# Counts which lines of these folders ran (tests/coverage). Without optimisation, so that a line is a line; the counters
# are atomic, since librdkafka's callbacks and the HTTP thread run our lines too.
option(REELGATE_COVERAGE "Build with gcov's counters" OFF)
set(REELGATE_COUNTED common/worker common/tokens services/generator services/ledger)

add_library(reelgate-flags INTERFACE)
target_compile_features(reelgate-flags INTERFACE c_std_11)
target_compile_definitions(reelgate-flags INTERFACE _GNU_SOURCE REELGATE_VERSION="${PROJECT_VERSION}")
target_compile_options(reelgate-flags INTERFACE
  -Wall -Wextra -Werror -Wformat=2 -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wvla -Wundef -Wwrite-strings
  -Werror=format-security -Werror=implicit -Werror=int-conversion
  -fno-strict-overflow -fno-delete-null-pointer-checks -fno-omit-frame-pointer)
if(REELGATE_TEST_BUILD)
  target_compile_definitions(reelgate-flags INTERFACE REELGATE_TEST_BUILD)
endif()
if(REELGATE_SANITIZE)
  target_compile_options(reelgate-flags INTERFACE -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(reelgate-flags INTERFACE -fsanitize=address,undefined)
elseif(REELGATE_COVERAGE)
  target_compile_options(reelgate-flags INTERFACE -g -O0)
  target_link_options(reelgate-flags INTERFACE --coverage)
else()
  target_compile_options(reelgate-flags INTERFACE
    -g -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fstack-protector-strong
    -fcf-protection=full -ftrivial-auto-var-init=zero -fPIE)
  target_link_options(reelgate-flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
