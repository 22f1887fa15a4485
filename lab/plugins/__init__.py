"""Offline Pulumi plugins: what the program uses of `command` and `docker`, where no plugin can be downloaded.

`stubs` loads the protocol, `values` translates property maps, `server` speaks gRPC with the engine;
`command` and `docker` are the plugins.
"""
