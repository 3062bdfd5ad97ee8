# Warnings, sanitizers and sizes of debug information, as one interface target that every target
# of ours links: nothing is set globally.
set(GRANGE_SANITIZE "" CACHE STRING "'address' (with ubsan), 'thread', or empty")
option(GRANGE_FUZZ "build the libFuzzer targets (Clang only)" OFF)

add_library(grange_options INTERFACE)
target_compile_options(grange_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
  -fno-omit-frame-pointer -fstack-protector-strong
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
target_compile_definitions(grange_options INTERFACE GRANGE_VERSION="${PROJECT_VERSION}")
target_link_options(grange_options INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now)

# What tests, and the programs that they start, are told of the sanitizer: a report is a failure.
# It goes to a file: the stderr of a program that a test starts is seldom read, and its exit code
# may mean nothing to the test.
set(GRANGE_TEST_ENVIRONMENT "")
if(GRANGE_SANITIZE)
  set(reports ${CMAKE_BINARY_DIR}/reports)
  file(MAKE_DIRECTORY ${reports})
endif()
if(GRANGE_SANITIZE STREQUAL "address")
  set(GRANGE_TEST_ENVIRONMENT
      "ASAN_OPTIONS=detect_stack_use_after_return=1:check_initialization_order=1:verify_asan_link_order=0:log_path=${reports}/asan"
      "UBSAN_OPTIONS=print_stacktrace=1:log_path=${reports}/ubsan")
  target_compile_options(grange_options INTERFACE -fsanitize=address,undefined
                         -fno-sanitize-recover=undefined)
  target_link_options(grange_options INTERFACE -fsanitize=address,undefined)
elseif(GRANGE_SANITIZE STREQUAL "thread")
  set(GRANGE_TEST_ENVIRONMENT
      "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:ignore_noninstrumented_modules=1:halt_on_error=1:log_path=${reports}/tsan")
  target_compile_options(grange_options INTERFACE -fsanitize=thread)
  target_link_options(grange_options INTERFACE -fsanitize=thread)
elseif(NOT GRANGE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "GRANGE_SANITIZE is '${GRANGE_SANITIZE}'; it takes 'address' or 'thread'")
endif()

# Coverage for the fuzzer, in everything that a target links.
if(GRANGE_FUZZ)
  target_compile_options(grange_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
