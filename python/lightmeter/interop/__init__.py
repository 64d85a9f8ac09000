"""Other people's programs: a module or folder for each, none of which is needed."""
