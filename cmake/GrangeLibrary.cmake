# One folder is one library. Each target has an include root of its own in the build tree, with a
# symlink to its folder and nothing else, so that an undeclared include fails with "No such file".

# grange_library(NAME SRCS a.cc ... [PUBLIC_DEPS x ...] [DEPS y ...])
#   PUBLIC_DEPS  used in this folder's headers: who includes them may include those too
#   DEPS         used in its .cc files only
function(grange_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;PUBLIC_DEPS;DEPS" ${ARGN})
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(root ${CMAKE_BINARY_DIR}/include/${name})
  get_filename_component(parent ${root}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${folder} SYMBOLIC)
  if(ARG_SRCS)
    add_library(${name} STATIC ${ARG_SRCS})
    target_include_directories(${name} PUBLIC ${root})
    target_link_libraries(${name} PUBLIC ${ARG_PUBLIC_DEPS} PRIVATE grange_options ${ARG_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${root})
    target_link_libraries(${name} INTERFACE ${ARG_PUBLIC_DEPS} ${ARG_DEPS})
  endif()
endfunction()

# grange_program(NAME SRCS main.cc ... DEPS ...): a program in build/<preset>/bin.
function(grange_program name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE grange_options ${ARG_DEPS} -static-libstdc++ -static-libgcc)
endfunction()

# grange_test(NAME SRCS x_test.cc ... DEPS ... [LABELS unit|golden|sim|e2e] [TIMEOUT s] [ARGS ...])
function(grange_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  target_link_libraries(${name} PRIVATE grange_options ${ARG_DEPS} grange_gtest GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE GRANGE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             GRANGE_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  grange_command_test(${name} COMMAND ${name} ${ARG_ARGS}
                      LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# grange_command_test(NAME COMMAND program arguments... [LABELS ...] [TIMEOUT s]): a test that is run
# with what the sanitizers are told, and may take four times as long under them.
function(grange_command_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  add_test(NAME ${name} COMMAND ${ARG_COMMAND})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(GRANGE_SANITIZE)
    math(EXPR ARG_TIMEOUT "4 * ${ARG_TIMEOUT}")
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT "${GRANGE_TEST_ENVIRONMENT}")
endfunction()
