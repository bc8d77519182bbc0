# Finds the C headers of ONNX Runtime; its library is only loaded at run time.
# Looks in ONNXRUNTIME_ROOT (variable or environment), the system, then in build/onnxruntime of the
# checkout, where cmake/fetch_onnxruntime_headers.sh puts them. Sets OnnxRuntimeHeaders_INCLUDE_DIR.
set(_onboard_checkout "${CMAKE_CURRENT_LIST_DIR}/../../..")
find_path(OnnxRuntimeHeaders_INCLUDE_DIR onnxruntime_c_api.h
  HINTS ${ONNXRUNTIME_ROOT} $ENV{ONNXRUNTIME_ROOT}
  PATHS ${_onboard_checkout}/build/onnxruntime
  PATH_SUFFIXES include include/onnxruntime onnxruntime include/onnxruntime/core/session)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntimeHeaders
  REQUIRED_VARS OnnxRuntimeHeaders_INCLUDE_DIR
  FAIL_MESSAGE "ONNX Runtime's C headers are missing: run onboard/flight/cmake/fetch_onnxruntime_headers.sh \
build/onnxruntime in the checkout, or set ONNXRUNTIME_ROOT to an unpacked release of ONNX Runtime")
mark_as_advanced(OnnxRuntimeHeaders_INCLUDE_DIR)
