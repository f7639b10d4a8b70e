"""The store on S3 or Azure Blob storage: addresses, one bucket over HTTP, a copy of what was read on this host."""
