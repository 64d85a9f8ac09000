"""Charts and pages from plain numbers; knows neither profiles nor drift."""
