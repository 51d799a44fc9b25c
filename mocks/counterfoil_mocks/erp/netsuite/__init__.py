"""NetSuite's REST web services in front of an ERP."""
