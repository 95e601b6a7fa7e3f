"""The query language, sorting, paging, saved searches and similar photos."""
