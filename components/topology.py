"""Who runs where: settings and declarations to the units of the swarm. Pure; collects every fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from components.checks import declaration_faults, misspelt_faults, settings_faults
from components.databases import with_passwords
from components.declaration import Declaration, Member, SharedVolume
from components.errors import ConfigurationError, Fault
from components.homes import homes
from components.settings import Node, ServiceOverride, Settings


@dataclass(frozen=True)
class Unit:
    """One Swarm service: a whole replicated or global service, or one member of a stateful one."""

    name: str
    service: Declaration
    member: Member | None
    home: str | None = None
    """The node that a member is pinned to: its volume lies there."""

    @property
    def hostname(self) -> str | None:
        """Fixed for a member, whose name its peers know; left to Swarm otherwise."""
        return self.member.name if self.member else None

    @property
    def constraints(self) -> tuple[str, ...]:
        """Swarm placement constraints, sorted so that their order never shows as a change."""
        placement = self.service.placement
        labels = {**placement.labels, **(self.member.labels if self.member else {})}
        rules = [f"node.labels.{key}=={value}" for key, value in labels.items()]
        if placement.role:
            rules.append(f"node.role=={placement.role}")
        if node := self.home or placement.node:
            rules.append(f"node.hostname=={node}")
        return tuple(sorted(rules))

    def fits(self, node: Node) -> bool:
        """Whether the declared node satisfies every constraint."""
        facts = {f"node.labels.{key}": value for key, value in node.labels.items()}
        facts |= {"node.role": node.role, "node.hostname": node.name}
        return all(facts.get(key) == value for key, value in (rule.split("==") for rule in self.constraints))


@dataclass(frozen=True)
class Plan:
    """What the components make: services in the order of their needs."""

    settings: Settings
    services: tuple[Declaration, ...]
    off: Mapping[str, str] = field(default_factory=dict)
    """Declared services that this environment does without, each with the reason."""

    def units(self, service: Declaration) -> tuple[Unit, ...]:
        """The Swarm services that make up one declared service; members with a volume on a node each."""
        if not service.members:
            return (Unit(service.name, service, None),)
        units = tuple(Unit(member.name, service, member) for member in service.members)
        if not service.volumes:
            return units
        lenders = [unit.home for unit in self.lenders(service)]
        fitting = {
            unit.name: [
                node.name
                for node in self.settings.nodes
                if unit.fits(node) and all(home == node.name for home in lenders)
            ]
            for unit in units
        }
        override = self.settings.services.get(service.name)
        chosen = homes(fitting, override.homes if override else {})
        return tuple(replace(unit, home=chosen.get(unit.name)) for unit in units)

    def lenders(self, service: Declaration) -> tuple[Unit, ...]:
        """The units whose volumes the service mounts; one that borrows itself lends nothing."""
        names = service.lenders - {service.name}
        if not names:
            return ()
        owners = [other for other in self.services if not other.lenders and names & {*other.unit_names}]
        return tuple(unit for owner in owners for unit in self.units(owner) if unit.name in names)

    def homes(self, unit: Unit) -> tuple[Node, ...]:
        """Nodes that may run the unit. A paused one keeps what it runs, a drained one doesn't."""
        return tuple(node for node in self.settings.nodes if node.availability != "drain" and unit.fits(node))

    def nodes_of(self, service: Declaration) -> tuple[Node, ...]:
        """Nodes that may run some unit of the service."""
        homes = [node.name for unit in self.units(service) for node in self.homes(unit)]
        return tuple(node for node in self.settings.nodes if node.name in homes)

    def bound_to(self, service: Declaration) -> tuple[Node, ...]:
        """Nodes that a name, a label or a volume binds the service to; none for one bound to a role alone."""
        role = f"node.role=={service.placement.role}"
        units = [unit for unit in self.units(service) if set(unit.constraints) - {role}]
        return tuple(node for node in self.settings.nodes if any(unit.fits(node) for unit in units))

    def tasks(self, unit: Unit) -> int:
        """How many tasks the unit has when all is well."""
        if unit.service.mode == "global":
            return len(self.homes(unit))
        return 1 if unit.member else unit.service.replicas

    @property
    def published_ports(self) -> tuple[int, ...]:
        """Ports that nodes open to `firewall.edge_sources`, the edge's and those of any other service."""
        ports = {port.published for service in self.services for port in service.ports if port.published}
        return tuple(sorted(ports))

    @property
    def edge_urls(self) -> list[str]:
        """`https://<address>` of every node on which the edge answers."""
        published = {port.published for service in self.services if service.edge for port in service.ports}
        scheme = "https" if 443 in published else "http"
        return [f"{scheme}://{node.address}" for node in self.edge_nodes]

    @property
    def edge_hosts(self) -> tuple[Node, ...]:
        """Nodes that satisfy the constraints of a service with `edge: true`, whatever their availability."""
        units = [unit for service in self.services if service.edge for unit in self.units(service)]
        return tuple(node for node in self.settings.nodes if any(unit.fits(node) for unit in units))

    @property
    def edge_nodes(self) -> tuple[Node, ...]:
        """Active nodes on which the edge can answer."""
        return tuple(node for node in self.edge_hosts if node.availability == "active")

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Secrets that some service mounts."""
        return tuple(sorted({secret.name for service in self.services for secret in service.secrets}))


def draft(settings: Settings, declared: Iterable[Declaration]) -> Plan:
    """The services that are on with the environment's overrides, unchecked and in no order."""
    services: list[Declaration] = []
    off: dict[str, str] = {}
    for service in declared:
        if why := why_off(service, settings):
            off[service.name] = why
        else:
            services.append(_overridden(service, settings.services))
    whole = (with_passwords(_with_shared(service, services), services) for service in services)
    return Plan(settings, tuple(whole), off)


def plan(
    settings: Settings,
    declared: Iterable[Declaration],
    secret_names: Iterable[str] | None,
    faults: Iterable[Fault] = (),
    known: frozenset[str] = frozenset(),
) -> Plan:
    """The plan, or ConfigurationError with every fault, those already found (`faults`) included.

    secret_names: of those that are set; None where that is unknown.
    known: names of services that exist although they are not in `declared`, being unreadable.
    """
    declared = tuple(declared)
    sketch = draft(settings, declared)
    names = known | {service.name for service in declared}
    found = [*faults, *settings_faults(settings, names), *misspelt_faults(settings, declared)]
    found += declaration_faults(sketch, secret_names, names)
    if found:
        raise ConfigurationError(found)
    return Plan(settings, tuple(_by_need(sketch.services)), sketch.off)


def why_off(service: Declaration, settings: Settings) -> str | None:
    """Why this environment does without the service; None when it has it."""
    override = settings.services.get(service.name, ServiceOverride())
    if override.enabled is False:
        return override.because or "the stack file disables it"
    return None if override.enabled else service.off_unless_enabled


def _overridden(service: Declaration, overrides: Mapping[str, ServiceOverride]) -> Declaration:
    override = overrides.get(service.name)
    if override is None:
        return service
    given = override.model_dump(exclude_none=True, exclude_unset=True)
    resources = {key: given[key] for key in type(service.resources).model_fields if key in given}
    own = {key: given[key] for key in ("image", "replicas") if key in given}
    return service.model_copy(
        update={
            **own,
            "resources": service.resources.model_copy(update=resources),
            "environment": {**service.environment, **override.environment},
        }
    )


def _with_shared(service: Declaration, services: Iterable[Declaration]) -> Declaration:
    """The service with the volumes that others share with it, by their names; it needs those others."""
    if service.shared_below is None:
        return service
    owners = [other for other in services if other is not service and other.shares_with(service.name)]
    shared = {  # two for one path are a fault: checks.lending
        path: SharedVolume(name=volume.name, path=path, of=owner.members[0].name)
        for owner in reversed(owners)
        if len(owner.members) == 1
        for volume in owner.shares_with(service.name)
        for path in (service.shared_below / owner.product,)
    }
    names = {owner.name for owner in owners if len(owner.members) == 1}
    volumes = (*service.volumes, *sorted(shared.values(), key=lambda volume: volume.path))
    needs = (*service.needs, *sorted(names - set(service.needs)))
    return service.model_copy(update={"volumes": volumes, "needs": needs})


def _by_need(services: tuple[Declaration, ...]) -> Iterator[Declaration]:
    """Needed services first; needs are known to exist and to have no cycle."""
    by_name = {service.name: service for service in services}
    done: set[str] = set()

    def visit(service: Declaration) -> Iterator[Declaration]:
        if service.name not in done:
            done.add(service.name)
            for need in service.needs:
                yield from visit(by_name[need])
            yield service

    for service in services:
        yield from visit(service)
