"""Reads the environment through a StackReference, as another project would."""

import pulumi

environment = pulumi.StackReference(pulumi.Config().require("environment"))
nodes = environment.require_output("nodes")
services = environment.require_output("services")
pulumi.export("edge", environment.require_output("edge_urls").apply(lambda urls: urls[0]))
pulumi.export("api", services.apply(lambda found: found["platform-api"]["endpoints"]["http"][0]))
pulumi.export("workers", nodes.apply(lambda rows: [row["name"] for row in rows if row["role"] == "worker"]))
pulumi.export("network", environment.require_output("network").apply(lambda network: network["id"]))
pulumi.export("secrets", environment.require_output("secrets"))
