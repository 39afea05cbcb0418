"""The client's side: ports, connections, and the life of a request (`serve`, read it first).

supervisor, channel, colleagues     the processes of a node, and how they have each other do something
port_claim, pid_file                before they begin;  last_arrivals: before they end
listener, doorway, tls              a port, the way in, and certificates (client_certificates, peer_chain)
connection, states, request_body    requests as they come in, within `limits`
serve, loop                         what becomes of one;  control: the gateway API's have their own way
respond, answer, held               answers on their way out
rejections, error_page              those that the gateway makes by itself
"""
