"""A SCIM service provider (RFC 7644) read as a directory."""
