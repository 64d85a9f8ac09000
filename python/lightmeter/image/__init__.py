"""One picture: from whatever holds it to its measurement, its Exif and the facts of its header."""
