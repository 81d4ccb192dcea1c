"""ERP adapters behind one port."""
