# Finds zlib: linked statically where its archive can go into a shared library (so that a flight computer
# needs nothing beside our library), dynamically elsewhere.
find_path(Zlib_INCLUDE_DIR zlib.h)
find_library(Zlib_STATIC_LIBRARY libz.a)
find_library(Zlib_SHARED_LIBRARY NAMES z)
mark_as_advanced(Zlib_INCLUDE_DIR Zlib_STATIC_LIBRARY Zlib_SHARED_LIBRARY)

if(Zlib_INCLUDE_DIR AND Zlib_STATIC_LIBRARY AND NOT DEFINED Zlib_STATIC_WORKS)
  set(_dir ${CMAKE_BINARY_DIR}/CMakeFiles/zlib)
  file(WRITE ${_dir}/probe.map "{ global: probe; local: *; };\n")
  file(WRITE ${_dir}/CMakeLists.txt "cmake_minimum_required(VERSION 3.22)
project(probe C)
add_library(probe SHARED probe.c)
target_include_directories(probe PRIVATE ${Zlib_INCLUDE_DIR})
target_link_libraries(probe PRIVATE ${Zlib_STATIC_LIBRARY})
target_link_options(probe PRIVATE -Wl,--version-script=${_dir}/probe.map -Wl,-z,text)\n")
  file(WRITE ${_dir}/probe.c "#include <zlib.h>
int probe(z_stream *s);
int probe(z_stream *s) { return inflateInit(s) + inflate(s, Z_NO_FLUSH) + inflateEnd(s); }\n")
  try_compile(Zlib_STATIC_WORKS ${_dir}/build ${_dir} probe)
endif()

if(Zlib_STATIC_WORKS)
  set(Zlib_LIBRARIES ${Zlib_STATIC_LIBRARY})
else()
  set(Zlib_LIBRARIES ${Zlib_SHARED_LIBRARY})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FlightZlib REQUIRED_VARS Zlib_LIBRARIES Zlib_INCLUDE_DIR
  FAIL_MESSAGE "zlib is missing: install zlib1g-dev")
