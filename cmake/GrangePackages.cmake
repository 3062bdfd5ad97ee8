# The packaged libraries, each as one interface target grange_<name>. They are linked statically:
# a program that links gRPC dynamically needs about 20 ms until it reaches main(). Not for the thread
# sanitizer: it can pass over what a library does that is not instrumented only if it is shared.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# grange_package(NAME MODULE...) makes grange_<NAME> from pkg-config modules; each library that
# has an archive is taken from it, the rest (libc, libdl) stays shared.
function(grange_package name)
  pkg_check_modules(PKG_${name} REQUIRED ${ARGN})
  set(libs "")
  set(seen "")
  set(raw ${PKG_${name}_STATIC_LIBRARIES})
  list(REMOVE_DUPLICATES raw)
  foreach(lib IN LISTS raw)
    if(lib STREQUAL "" OR lib MATCHES "^(dl|rt|m|pthread|atomic)$")
      continue()
    endif()
    find_file(ARCHIVE_${lib} lib${lib}.a
              PATHS ${PKG_${name}_STATIC_LIBRARY_DIRS} /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr/lib)
    if(ARCHIVE_${lib} AND NOT GRANGE_SANITIZE STREQUAL "thread")
      list(APPEND libs ${ARCHIVE_${lib}})
    else()
      list(APPEND libs -l${lib})
    endif()
  endforeach()
  add_library(grange_${name} INTERFACE)
  target_include_directories(grange_${name} SYSTEM INTERFACE ${PKG_${name}_INCLUDE_DIRS})
  # One word for the linker: CMake removes repeated libraries, which would leave empty groups.
  list(JOIN libs "," group)
  target_link_libraries(grange_${name} INTERFACE
    -Wl,--start-group,${group},--end-group Threads::Threads ${CMAKE_DL_LIBS} rt)
endfunction()

grange_package(absl absl_status absl_statusor absl_strings absl_str_format absl_time
               absl_synchronization absl_flat_hash_map absl_flat_hash_set absl_btree absl_hash
               absl_any_invocable absl_span absl_cleanup)
grange_package(grpc grpc++ protobuf)
grange_package(re2 re2)
grange_package(sqlite sqlite3)
grange_package(openssl libssl libcrypto)
grange_package(sodium libsodium)
grange_package(yaml_cpp yaml-cpp)
grange_package(zstd libzstd)
grange_package(libyaml yaml-0.1)  # only for a floor of the benchmarks

# spdlog header-only (Debian ships no static one), only for common/log.
add_library(grange_spdlog INTERFACE)

# libssh stays shared: its archive pulls in half a desktop. Of libarchive only tar and zstd are used,
# which need nothing else.
add_library(grange_libssh INTERFACE)
target_link_libraries(grange_libssh INTERFACE ssh)
add_library(grange_libarchive INTERFACE)
target_link_libraries(grange_libarchive INTERFACE -l:libarchive.a -l:libzstd.a)

# Headers only: libcurl is loaded when it is needed (coordinator/source/curl_library.h).
add_library(grange_curl INTERFACE)
pkg_check_modules(PKG_curl REQUIRED libcurl>=7.85)
target_include_directories(grange_curl SYSTEM INTERFACE ${PKG_curl_INCLUDE_DIRS})
target_link_libraries(grange_curl INTERFACE ${CMAKE_DL_LIBS})

add_library(grange_json INTERFACE)   # nlohmann/json, headers only
add_library(grange_cli11 INTERFACE)  # CLI11, headers only
add_library(grange_gtest INTERFACE)
find_package(GTest REQUIRED)
target_link_libraries(grange_gtest INTERFACE GTest::gtest GTest::gmock)
