"""One image: its pixels measured, its header and Exif read, and the reason if that fails."""
