"""Parts of the lightbox: where a photo stands, its editors, its facts."""
