// Closes the region that haswell_begin.hpp opened.
LIGHTMETER_CLOSE_REGION
