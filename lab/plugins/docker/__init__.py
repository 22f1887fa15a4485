"""The offline docker plugin: of pulumi-docker 5.2.0 what the program uses.

`settings`, `client` and `tunnel` reach a swarm manager; `fields` and the schemas describe the properties;
`check`, `plan`, `difference`, `align`, `inputs` and `sealing` decide, without asking anybody; `service` and
`objects` act.
"""
