# Builds the core for 64-bit ARM Linux (Jetson, and any other ARMv8-A) on another machine:
#
#   fetch_arm_libraries.sh DIR
#   cmake -S onboard/flight -B BUILD --toolchain "$PWD/onboard/flight/cmake/aarch64-linux-gnu.cmake" \
#     -DONBOARD_ARM_ROOT=DIR
#
# ONBOARD_ARM_ROOT is where zlib's and libsodium's headers and archives for ARM lie: that folder, or a board's root
# file system. With qemu's user mode on the path, ctest runs the test programs under it; QEMU_CPU names the processor.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(ONBOARD_ARM_ROOT "$ENV{ONBOARD_ARM_ROOT}" CACHE PATH "zlib and libsodium for ARM")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ONBOARD_ARM_ROOT)
set(CMAKE_FIND_ROOT_PATH ${ONBOARD_ARM_ROOT} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# ONNX Runtime's headers are the same for every machine, and lie in the checkout.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)

find_program(ONBOARD_QEMU NAMES qemu-aarch64-static qemu-aarch64)
mark_as_advanced(ONBOARD_QEMU)
get_property(_trying GLOBAL PROPERTY IN_TRY_COMPILE)
if(ONBOARD_QEMU AND NOT _trying)
  # What programs see of a board. qemu 7.2 would show them the host's /proc/cpuinfo, on which ONNX Runtime crashes.
  set(_board ${CMAKE_BINARY_DIR}/board)
  file(WRITE ${_board}/proc/cpuinfo "processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd07
CPU revision\t: 0
")
  file(CREATE_LINK /usr/aarch64-linux-gnu/lib ${_board}/lib SYMBOLIC)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${ONBOARD_QEMU} -L ${_board})
endif()
