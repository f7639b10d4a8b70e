"""What goes over the wire: parameters, bodies, headers, refusals, cut connections."""
