"""Salesforce in front of the CRM: its objects as data, its REST, SOAP, Bulk and streaming APIs."""
