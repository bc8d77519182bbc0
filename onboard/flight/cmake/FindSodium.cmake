# Finds libsodium: linked statically where its archive can go into a shared library (so that a flight
# computer needs nothing beside our library), dynamically elsewhere.
find_path(Sodium_INCLUDE_DIR sodium.h)
find_library(Sodium_STATIC_LIBRARY libsodium.a)
find_library(Sodium_SHARED_LIBRARY NAMES sodium)
mark_as_advanced(Sodium_INCLUDE_DIR Sodium_STATIC_LIBRARY Sodium_SHARED_LIBRARY)

if(Sodium_INCLUDE_DIR AND Sodium_STATIC_LIBRARY AND NOT DEFINED Sodium_STATIC_WORKS)
  set(_dir ${CMAKE_BINARY_DIR}/CMakeFiles/sodium)
  file(WRITE ${_dir}/probe.map "{ global: probe; local: *; };\n")
  file(WRITE ${_dir}/CMakeLists.txt "cmake_minimum_required(VERSION 3.22)
project(probe C)
add_library(probe SHARED probe.c)
target_include_directories(probe PRIVATE ${Sodium_INCLUDE_DIR})
target_link_libraries(probe PRIVATE ${Sodium_STATIC_LIBRARY})
target_link_options(probe PRIVATE -Wl,--version-script=${_dir}/probe.map -Wl,-z,text)\n")
  file(WRITE ${_dir}/probe.c "#include <sodium.h>
int probe(const unsigned char *s, const unsigned char *m, const unsigned char *k);
int probe(const unsigned char *s, const unsigned char *m, const unsigned char *k) {
  unsigned char h[32];
  return sodium_init() + crypto_hash_sha256(h, m, 8) + crypto_sign_verify_detached(s, m, 8, k);
}\n")
  try_compile(Sodium_STATIC_WORKS ${_dir}/build ${_dir} probe)
endif()

if(Sodium_STATIC_WORKS)
  set(Sodium_LIBRARIES ${Sodium_STATIC_LIBRARY})
else()
  set(Sodium_LIBRARIES ${Sodium_SHARED_LIBRARY})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Sodium REQUIRED_VARS Sodium_LIBRARIES Sodium_INCLUDE_DIR
  FAIL_MESSAGE "libsodium is missing: install libsodium-dev")
