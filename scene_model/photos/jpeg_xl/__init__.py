"""JPEG XL (ISO/IEC 18181): the header is read here, since its decoder decodes at once."""
