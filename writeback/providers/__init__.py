"""Provider adapters behind one port; `registry` alone knows the concrete ones."""
