"""An LDAP directory (RFC 4511): OpenLDAP, Active Directory."""
