// Closes the region that skylake_begin.hpp opened.
LIGHTMETER_CLOSE_REGION
