# Into a wheel: everything below the package. Elsewhere: the usual folders, with pkg-config and CMake files.
if(SKBUILD)
  install(TARGETS onboard LIBRARY DESTINATION onboard/flight/lib NAMELINK_SKIP)
  install(FILES include/onboard.h DESTINATION onboard/flight/include)
  return()
endif()

include(CMakePackageConfigHelpers)
# From the .pc file's own folder up to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH ONBOARD_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(onboard.pc.in onboard.pc @ONLY)
configure_package_config_file(cmake/onboard-config.cmake.in onboard-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/onboard)
write_basic_package_version_file(onboard-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS onboard EXPORT onboard-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/onboard.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/onboard.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT onboard-targets NAMESPACE onboard:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/onboard)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/onboard-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/onboard-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/onboard)
