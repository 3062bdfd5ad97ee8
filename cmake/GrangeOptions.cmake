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

if(GRANGE_SANITIZE STREQUAL "address")
  target_compile_options(grange_options INTERFACE -fsanitize=address,undefined
                         -fno-sanitize-recover=undefined)
  target_link_options(grange_options INTERFACE -fsanitize=address,undefined)
elseif(GRANGE_SANITIZE STREQUAL "thread")
  target_compile_options(grange_options INTERFACE -fsanitize=thread)
  target_link_options(grange_options INTERFACE -fsanitize=thread)
elseif(NOT GRANGE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "GRANGE_SANITIZE is '${GRANGE_SANITIZE}'; it takes 'address' or 'thread'")
endif()
