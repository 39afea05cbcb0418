"""HTTP/1.1, TLS and the PROXY protocol as bytes: what they mean, and how they are written. No sockets, no time.

http1_read, http1_write     heads of requests and answers; chunked: bodies of unknown length
headers, cookies            fields, kept as they go out
url, query                  parts of a URL, as Go reads them
proxy_protocol, tls_hello   what comes before the first request
sniff                       the type of a body that names none
pem, tls_names              certificates as text, and TLS in OpenSSL's words
"""
