# cmake -DNM=nm "-DOBJECTS=a.o;b.o" -P guards.cmake
#
# A static of a function is guarded by a lock while it is made. A process that forks while another
# thread makes it leaves its child waiting for ever. So none is made where the GIL is given up, but
# those that bind_kernels.cpp makes at import, and those of a thread, which no other one waits for.
set(at_import kernels::active kernels::hsv_tables)
set(of_a_thread decode::huffman_table)
set(with_the_gil drift:: profile::)

execute_process(COMMAND ${NM} -C ${OBJECTS} OUTPUT_VARIABLE symbols ERROR_QUIET
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "guard variable for lightmeter::[^\n]*" guards "${symbols}")
if(NOT guards MATCHES "kernels::active")
  message(FATAL_ERROR "found no guard of kernels::active() in the objects; are they stripped?")
endif()
foreach(known IN LISTS at_import of_a_thread with_the_gil)
  list(FILTER guards EXCLUDE REGEX "${known}")
endforeach()
if(guards)
  list(JOIN guards "\n  " text)
  message(FATAL_ERROR "made at the first use, perhaps without the GIL:\n  ${text}\n"
                      "Make it at namespace scope, or in a constructor.")
endif()
