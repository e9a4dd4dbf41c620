# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# noether_add_library(<name> <source>... [LINK <Noether library>...] [MLIR <MLIR library>...])
#
# Adds a static library of the project. MLIR libraries are named one by one, so that the link stays
# right for an MLIR without the shared library, but with it they all become libMLIR.so.
function(noether_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK;MLIR" ${ARGN})
  set(scope PUBLIC)
  if(ARG_UNPARSED_ARGUMENTS)
    add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
    llvm_update_compile_flags(${name})
    add_dependencies(${name} noether-headers)
  else()
    set(scope INTERFACE)
    add_library(${name} INTERFACE)
  endif()
  target_include_directories(${name} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
  target_link_libraries(${name} ${scope} ${ARG_LINK})
  mlir_target_link_libraries(${name} ${scope} ${ARG_MLIR})
  if(LLVM_LINK_LLVM_DYLIB)
    target_link_libraries(${name} ${scope} LLVM)
  else()
    llvm_map_components_to_libnames(llvm_libraries Support)
    target_link_libraries(${name} ${scope} ${llvm_libraries})
  endif()
  install(TARGETS ${name} EXPORT NoetherTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()

# noether_add_tool(<name> <source>... [LINK <Noether library>...] [MLIR <MLIR library>...])
#
# Adds a command-line tool. It exports its symbols, as plugins need them.
function(noether_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK;MLIR" ${ARGN})
  add_llvm_executable(${name} ${ARG_UNPARSED_ARGUMENTS} SUPPORT_PLUGINS)
  llvm_update_compile_flags(${name})
  add_dependencies(${name} noether-headers)
  if(NOT LLVM_LINK_LLVM_DYLIB)
    # MLIR's packaged archives ask for libLLVM.so. Where LLVM's archives come first nothing is left that
    # needs it. (By their paths: as targets, all of them want Polly and libcurl too.)
    file(GLOB archives ${LLVM_LIBRARY_DIRS}/libLLVM*.a)
    find_library(ZLIB_ARCHIVE libz.a REQUIRED)
    find_library(ZSTD_ARCHIVE libzstd.a REQUIRED)
    target_link_options(${name} PRIVATE
      ${ZLIB_ARCHIVE} ${ZSTD_ARCHIVE} -static-libstdc++ -static-libgcc -Wl,--as-needed -Wl,--gc-sections)
    target_link_libraries(${name} PRIVATE ${archives})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  mlir_target_link_libraries(${name} PRIVATE ${ARG_MLIR})
  mlir_check_all_link_libraries(${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  set_property(GLOBAL APPEND PROPERTY NOETHER_TOOLS ${name})
endfunction()

# noether_add_doc(<td file> <name> <mlir-tblgen option>...)
#
# Adds docs/generated/<name>.md, which the target noether-doc writes into the source tree.
function(noether_add_doc td name)
  set(LLVM_TARGET_DEFINITIONS ${td})
  tablegen(MLIR ${name}.md ${ARGN})
  set(output ${PROJECT_SOURCE_DIR}/docs/generated/${name}.md)
  add_custom_target(noether-doc-${name}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${CMAKE_CURRENT_BINARY_DIR}/${name}.md ${output}
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.md)
  add_dependencies(noether-doc noether-doc-${name})
endfunction()
